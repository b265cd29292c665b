"""The question that every calculator is asked, and the models that it is asked of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOKENS = 32768


@dataclass(frozen=True)
class Subject:
    """A model, one for each kind of KV cache.

    Attributes:
        family: What is particular about its cache.
        name: Its name on the hub.
        short: Its name in the table.
        ranks: Tensor-parallel ranks; the answer is that of one.
        own_names: What calculators with a list of their own call it.
    """

    family: str
    name: str
    short: str
    ranks: int = 1
    own_names: tuple[str, ...] = ()

    def config(self, folder: Path) -> dict[str, Any]:
        """Its config.json, from a folder of files named `owner__name.json`.

        Raises:
            FileNotFoundError: the folder lacks it.
        """
        file = f"{self.name.replace('/', '__')}.json"
        found = next(folder.rglob(file), None)
        if found is None:
            raise FileNotFoundError(f"{folder} has no {file}.")
        read: dict[str, Any] = json.loads(found.read_text("utf-8"))
        return read


SUBJECTS = (
    Subject(
        "grouped queries",
        "meta-llama/Llama-3.1-8B-Instruct",
        "Llama-3.1-8B",
        own_names=("llama-3.1-8b", "llama-3-8b"),
    ),
    Subject("experts, own head size", "Qwen/Qwen3-30B-A3B", "Qwen3-30B-A3B"),
    Subject("half of the layers slide", "openai/gpt-oss-20b", "gpt-oss-20b"),
    Subject("5 of 6 layers slide, two head sizes", "google/gemma-4-26B-A4B", "gemma-4-26B-A4B"),
    Subject("latent (MLA)", "deepseek-ai/DeepSeek-V3", "DeepSeek-V3", own_names=("deepseek-v3",)),
    Subject("sparse latent", "deepseek-ai/DeepSeek-V3.2", "DeepSeek-V3.2"),
    Subject("3 of 4 layers recurrent", "Qwen/Qwen3-Next-80B-A3B-Instruct", "Qwen3-Next-80B-A3B"),
    Subject("the same, inside a vision model", "Qwen/Qwen3.5-27B", "Qwen3.5-27B"),
    Subject(
        "Mamba2, 6 layers with attention",
        "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16",
        "Nemotron-3-Nano-30B-A3B",
    ),
    Subject(
        "chunks, one rank of 4",
        "meta-llama/Llama-4-Scout-17B-16E-Instruct",
        "Llama-4-Scout",
        ranks=4,
    ),
)
