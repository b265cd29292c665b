"""A model's name to its real config.json, for whoever needs the file itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mixvllm.errors import ModelError
from mixvllm.models.found import Documents, ModelSource
from mixvllm.models.gguf_files import gguf_in_directory
from mixvllm.models.names import DEMO, is_path
from mixvllm.models.sources import catalogue


@dataclass(frozen=True)
class FoundDocuments:
    """The documents of a model and where they came from.

    Attributes:
        documents: What its files say.
        source: The kind of place that answered.
        origin: The path or name there.
        directory: Where its files lie, code that it brings among them; None where only the
            documents are here.
    """

    documents: Documents
    source: ModelSource
    origin: str
    directory: Path | None = None


def find_documents(name: str, *, revision: str | None = None) -> FoundDocuments:
    """Find a config.json: a path, the Hugging Face cache, the hub, in that order.

    The bundled catalogue is passed over: it has our own summaries alone.

    Raises:
        ModelError: no source has one that can be read.
    """
    from mixvllm.models.sources import hub, local

    path = Path(name).expanduser()
    if name == DEMO:
        return _of_demo()
    if (path.suffix == ".gguf" and path.is_file()) or gguf_in_directory(name) is not None:
        raise ModelError(
            f"{name} is a GGUF file, which has no config.json.",
            hint="Name a directory with the config.json of the model that it was made from.",
            code="model-unreadable",
        )
    if path.is_dir():
        return FoundDocuments(
            local.documents_in(path), "local directory", str(path), path.resolve()
        )
    if path.exists():
        return FoundDocuments(local.documents_of_file(path, name), "config file", str(path))
    if is_path(name):
        raise ModelError(
            f"There is nothing at {name}.",
            hint="For a model from the hub write OWNER/NAME.",
            code="model-not-found",
        )
    if (cached := hub.cached_directory(name, revision)) is not None:
        directory = Path(cached)
        documents = local.documents_in(directory)
        return FoundDocuments(documents, "Hugging Face cache", cached, directory)
    try:
        return FoundDocuments(
            local.documents_of_hub(hub.fetch_documents(name, revision)), "hub", name
        )
    except ModelError as error:
        raise _with_way_out(error, name) from error


def _of_demo() -> FoundDocuments:
    """The embedded model, once `serve` has prepared it."""
    from mixvllm.models import demo_model
    from mixvllm.models.sources import local

    if not demo_model.is_prepared():
        raise ModelError(
            "The demo model is not prepared yet, so its config.json is not there.",
            hint="`mixvllm serve demo` prepares it.",
            code="demo-model",
        )
    directory = demo_model.directory()
    return FoundDocuments(
        local.documents_in(directory), "local directory", str(directory), directory
    )


def _with_way_out(error: ModelError, name: str) -> ModelError:
    """What to do where only the catalogue knows the model."""
    if catalogue.look_up(name) is None:
        return error
    return ModelError(
        f"{name} is in the bundled catalogue, which has no config.json, and vLLM needs one. "
        f"{error.message}",
        hint=f"`hf download {name} config.json` brings it into the cache; or name a directory or "
        "a .json file that has it.",
        code=error.code,
    )
