"""Names of models: the reserved one, and which of them can only be paths."""

from __future__ import annotations

import re
from pathlib import PurePath

from mixvllm.errors import ModelError

# The reserved name of the embedded model.
DEMO = "demo"
# `OWNER/NAME:Q4_K_M`, one file of a repository, as vLLM's plugin for GGUF reads it; before the
# format may stand who made it (`UD-Q4_K_XL`).
GGUF_ON_THE_HUB = re.compile(
    r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*:(?:[\w+-]+-)?(?:I?Q|T?Q|B?F|MXFP|NVFP)\d\w*", re.ASCII
)


def is_path(name: str) -> bool:
    """Whether a name can be nothing but a path: on the hub a model is NAME or OWNER/NAME."""
    return name.startswith(("/", "./", "../", "~")) or name.count("/") > 1 or name in (".", "..")


def is_gguf_on_the_hub(name: str) -> bool:
    """Whether a name is that of a GGUF file on the hub: OWNER/NAME:FORMAT."""
    return GGUF_ON_THE_HUB.fullmatch(name) is not None


def is_gguf(name: str) -> bool:
    """Whether a name can be nothing but that of a GGUF file, here or on the hub."""
    return name.endswith(".gguf") or is_gguf_on_the_hub(name)


def no_model_file(name: str) -> ModelError:
    """What is wrong with a file that is given as a model, and is none."""
    if PurePath(name).suffix in (".yaml", ".yml"):
        return ModelError(
            f"{name} is a config file, not a model.", hint=f"Give it as `--config {name}`."
        )
    return ModelError(
        f"{name} is a file, but neither a config (.json) nor a GGUF file (.gguf).",
        hint="Name the directory with config.json in it.",
    )
