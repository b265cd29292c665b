"""The model that is asked for: where it is, and whether it can be had."""

from __future__ import annotations

from pathlib import Path

from mixvllm.errors import ModelError
from mixvllm.models.sources.hub import check_hub_model
from mixvllm.server.engine import StepReporter
from mixvllm.server.lifecycle import Phase, Progress
from mixvllm.settings.schema import DEMO_MODEL, ModelConfig


def is_local(name: str) -> bool:
    """Whether a model's name is a path: looks like one, exists as one, or can be nothing else."""
    looks = name in (".", "..", "~") or name.startswith(("/", "./", "../", "~/"))
    return looks or name.count("/") > 1 or (name != DEMO_MODEL and Path(name).exists())


def check_local_model(name: str) -> None:
    """Check that a local model is one; names that are no paths pass.

    Raises:
        ModelError: there is no such directory, or it holds no model.
    """
    if not is_local(name):
        return
    path = Path(name).expanduser()
    if not path.exists():
        raise ModelError(
            f"There is no model directory {name}.",
            hint=_nearest_parent(path) + " For a model from the hub write OWNER/NAME.",
        )
    if path.is_dir() and not any((path / file).exists() for file in ("config.json", "params.json")):
        raise ModelError(
            f"The directory {name} has no config.json, so it holds no model that vLLM can load.",
            hint="Name the directory with config.json, tokenizer and weights in it.",
        )


def locate_model(model: ModelConfig, on_step: StepReporter) -> str | None:
    """Find the model before vLLM looks for it; the path to load, or None to load it by its name.

    Blocks: it may ask the hub or prepare the embedded model.

    Raises:
        ModelError: it cannot be had.
    """
    assert model.name is not None
    if model.name == DEMO_MODEL:
        from mixvllm.models import demo_model

        return str(
            demo_model.prepare(lambda detail: on_step(Phase.CHECKING, Progress(str(detail))))
        )
    if is_local(model.name):
        return str(Path(model.name).expanduser())
    on_step(Phase.CHECKING, Progress(f"asking the hub for {model.name}"))
    check_hub_model(model.name, model.revision)
    return None


def _nearest_parent(path: Path) -> str:
    parent = next(parent for parent in path.absolute().parents if parent.exists())
    return f"Of that path only {parent} exists."
