"""Names of models: the reserved one, and which of them can only be paths."""

from __future__ import annotations

from pathlib import PurePath

from mixvllm.errors import ModelError

# The reserved name of the embedded model.
DEMO = "demo"


def is_path(name: str) -> bool:
    """Whether a name can be nothing but a path: on the hub a model is NAME or OWNER/NAME."""
    return name.startswith(("/", "./", "../", "~")) or name.count("/") > 1 or name in (".", "..")


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
