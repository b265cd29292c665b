"""Start-ups of real servers: what they were started with, and what they printed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from mixvllm.memory.defaults import (
    api_server_limits,
    default_utilization,
    mxfp4_steps,
    settled_limits,
)
from mixvllm.memory.gpu_table import Gpu, all_gpus, find_gpu
from mixvllm.memory.rules import rules_of
from mixvllm.memory.serving import ServingFacts
from mixvllm.models import description as kinds
from mixvllm.models.description import Layer, ModelDescription
from mixvllm.models.sources.catalogue import CatalogueEntry, look_up
from mixvllm.sizes import GIB

FILE = Path(__file__).parents[1] / "data" / "vllm_logs.jsonl"


class LogRow:
    """One start-up.

    `left_out` and `weights_left_out` say why its tokens or weights are not compared.
    """

    def __init__(self, number: int, fields: dict[str, Any]) -> None:
        self.number = number
        self.fields = fields

    def __repr__(self) -> str:
        return f"{self.number}-{self.fields.get('model')}-{self.fields.get('vllm_version')}"

    def get(self, name: str, default: Any = None) -> Any:
        """A figure of the log, or what it does not say."""
        return self.fields.get(name, default)

    @property
    def version(self) -> str:
        """The release; for the rows without one, the release whose figures theirs match."""
        return str(self.get("vllm_version") or self.get("version_for_budget"))

    @property
    def description(self) -> ModelDescription:
        """The layers of the model, from the catalogue or the row's own."""
        if described := self.get("described"):
            facts = dict(described)
            kind, *sizes = facts.pop("kind")
            layers: tuple[Layer, ...] = (getattr(kinds, kind)(*sizes),) * facts.pop("layers")
            return ModelDescription(
                **facts, layers=layers, model_type="", context_length=262144, dtype="bfloat16"
            )
        entry = look_up(self.fields["shape"])
        assert entry is not None
        model = replace(entry.description, dtype=self.get("dtype", entry.description.dtype))
        # A stand-in has the layers of the model, and maybe another checkpoint's cache format.
        own = self.fields["shape"] == self.get("weights_of") or self.get("kv_cache_dtype")
        return model if own and self.get("kv_cache_dtype") != "auto" else as_model_dtype(model)

    @property
    def weights(self) -> CatalogueEntry | None:
        """The model of the catalogue with the same weights."""
        name = self.get("weights_of")
        entry = look_up(name) if name else None
        return entry if entry is not None and entry.weights is not None else None

    @property
    def gpu(self) -> Gpu | None:
        """The GPU, as far as the log or its page tells."""
        name, total = self.get("gpu_name"), self.get("gpu_total_gib")
        found = None
        if name:
            text = name.split(" (")[0].removesuffix(" 16 GB").removesuffix(" 32 GB")
            found = next((gpu for gpu in all_gpus() if gpu.name == text), None) or find_gpu(text)
        if total:
            known = found or Gpu(name=None, total_bytes=0)
            return replace(known, total_bytes=int(total * GIB))
        return found

    @property
    def utilization(self) -> float:
        """The share of the GPU: asked for, or the release's default."""
        given = self.get("gpu_memory_utilization")
        return float(given or default_utilization(rules_of(self.version)))

    @property
    def serving(self) -> ServingFacts:
        """The settings as vLLM resolved them."""
        rules = rules_of(self.version)
        length = self.get("max_model_len") or self.get("concurrency_len")
        limits = settled_limits(
            api_server_limits(self.gpu, rules),
            length,
            max_num_batched_tokens=self.get("max_num_batched_tokens"),
            max_num_seqs=self.get("max_num_seqs"),
        )
        drafts = self.get("draft_layers", 0)
        return ServingFacts(
            max_model_len=length,
            max_num_batched_tokens=limits.max_num_batched_tokens,
            max_num_seqs=limits.max_num_seqs,
            kv_cache_dtype=self.get("kv_cache_dtype") or "auto",
            block_size=self.get("block_size"),
            tensor_parallel_size=self.get("tensor_parallel_size", 1),
            pipeline_parallel_size=self.get("pipeline_parallel_size", 1),
            enable_prefix_caching=self.get("enable_prefix_caching", True),
            full_cuda_graphs=not self.get("enforce_eager", False),
            draft_layers=self.description.layers[-1:] * drafts,
            mxfp4_steps=mxfp4_steps(self.gpu),
            rules=rules,
        )

    @property
    def is_modelled(self) -> bool:
        """Whether memory gives tokens here; where the log has one worker's, nearly."""
        reason = self.get("left_out", "")
        return not reason or "worker" in reason or "unexplained" in reason or "Blackwell" in reason

    @property
    def is_calibrated(self) -> bool:
        """Whether it tells what is used beside weights and cache, on a GPU of known size."""
        tells = all(self.get(name) is not None for name in ("weights_gib", "available_kv_gib"))
        has_model = bool(self.get("shape") or self.get("described"))
        if not tells or not has_model or self.version.startswith(("None", "0.8", "0.9")):
            return False
        return not self.get("budget_left_out") and self.gpu is not None


def as_model_dtype(model: ModelDescription) -> ModelDescription:
    """The model with a cache in its own number format."""
    return replace(model, kv_cache_dtype=None)


ROWS = tuple(
    LogRow(number, json.loads(line))
    for number, line in enumerate(FILE.read_text(encoding="utf-8").splitlines())
)
