"""The model that is asked for: where it is, and whether it can be had."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType

from mixvllm.errors import ModelError
from mixvllm.models.completeness import check_tokenizer, check_weights
from mixvllm.models.gguf_files import gguf_in_directory
from mixvllm.models.names import is_gguf_on_the_hub, is_path, no_model_file
from mixvllm.models.sources.hub import check_hub_model, fetch_hub_model
from mixvllm.models.sources.hub_download import OnBytes
from mixvllm.server.engine import StepReporter
from mixvllm.server.lifecycle import Phase, Progress
from mixvllm.settings.schema import DEMO_MODEL, ModelConfig
from mixvllm.sizes import GIB

# With one of these vLLM loads other files, or puts them elsewhere.
OWN_DOWNLOAD = frozenset(
    {"load_format", "download_dir", "ignore_patterns", "model_loader_extra_config"}
)
# A model may be one file: vLLM says itself what it thinks of a config alone.
FILES_OF_MODELS = (".gguf", ".json")
# With one of these it takes the tokenizer from elsewhere, or has no use for one.
OWN_TOKENIZER = frozenset({"tokenizer", "skip_tokenizer_init", "tokenizer_mode"})


def is_local(name: str) -> bool:
    """Whether a model's name is a path: can be nothing else, or exists as one."""
    return is_path(name) or (name != DEMO_MODEL and local_path(name).exists())


def local_path(name: str) -> Path:
    """The path that a name is; of DIRECTORY:FORMAT that of the GGUF file.

    vLLM's plugin finds that file as well, but its config only where the file itself is named.

    Raises:
        ModelError: the directory is there, and no such file in it.
    """
    return gguf_in_directory(name) or Path(name).expanduser()


def check_local_model(name: str, arguments: Mapping[str, object] = MappingProxyType({})) -> None:
    """Check that a local model is one, and whole; names that are no paths pass.

    Args:
        name: The model.
        arguments: vLLM's arguments that are given: some have it load other files.

    Raises:
        ModelError: there is no such directory, or it lacks what vLLM will load.
    """
    if not is_local(name):
        return
    path = local_path(name)
    if not path.exists():
        raise ModelError(
            f"There is no model directory {name}.",
            hint=_nearest_parent(path) + " For a model from the hub write OWNER/NAME.",
            code="model-not-found",
        )
    if path.is_file() and path.suffix not in FILES_OF_MODELS:
        raise no_model_file(name)
    if path.is_dir() and not any((path / file).exists() for file in ("config.json", "params.json")):
        raise ModelError(
            f"The directory {name} has no config.json, so it holds no model that vLLM can load.",
            hint="Name the directory with config.json, tokenizer and weights in it.",
            code="model-incomplete",
        )
    if (path / "config.json").is_file():
        _check_config(path / "config.json")
        if not OWN_DOWNLOAD.intersection(arguments):
            check_weights(path)
        if not OWN_TOKENIZER.intersection(arguments):
            check_tokenizer(path)


def _check_config(path: Path) -> None:
    try:
        is_object = isinstance(json.loads(path.read_bytes()), dict)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path} cannot be read: {error}.",
            hint="Fetch it again: an interrupted download or a Git LFS pointer looks like this.",
            code="model-unreadable",
        ) from error
    if not is_object:
        raise ModelError(
            f"{path} is no config.json of a model: it does not hold an object.",
            code="model-unreadable",
        )


def locate_model(
    model: ModelConfig, on_step: StepReporter, arguments: Collection[str] = ()
) -> str | None:
    """Find the model before vLLM looks for it; the path to load, or None to load it by its name.

    Blocks: it may prepare the embedded model, or ask the hub and download.

    Args:
        model: Which one.
        on_step: Told how far it is.
        arguments: The names of vLLM's arguments that are given.

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
        return str(local_path(model.name))
    if is_gguf_on_the_hub(model.name):
        # One file of many, which vLLM's plugin picks and fetches.
        return None
    on_step(Phase.CHECKING, Progress(f"asking the hub for {model.name}"))
    try:
        check_hub_model(model.name, model.revision)
    except ModelError as error:
        from mixvllm.models.find import with_near_names

        raise with_near_names(error, model.name) from error
    if not OWN_DOWNLOAD.intersection(arguments):
        fetch_hub_model(model.name, model.revision, _bytes_reporter(on_step))
    return None


def _bytes_reporter(on_step: StepReporter) -> OnBytes:
    def report(done: int, total: int | None) -> None:
        if total is None:
            return
        detail = f"{done / GIB:.2f} of {total / GIB:.2f} GiB"
        # Files that are all in the cache are no download.
        if done < total:
            on_step(Phase.DOWNLOADING, Progress(detail, done / total))

    return report


def _nearest_parent(path: Path) -> str:
    parent = next(parent for parent in path.absolute().parents if parent.exists())
    return f"Of that path only {parent} exists."
