"""A model's name to the model: the first source that has it answers, and says so."""

from __future__ import annotations

import difflib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mixvllm.errors import ModelError
from mixvllm.models.found import FoundModel
from mixvllm.models.gguf_files import gguf_in_directory
from mixvllm.models.names import DEMO, is_gguf_on_the_hub, is_path
from mixvllm.models.sources import catalogue, catalogue_file

if TYPE_CHECKING:
    from mixvllm.models.sources.hub import HubDocuments

# The embedded model of `--model demo` is this one, whole.
DEMO_MODEL = "HuggingFaceTB/SmolLM2-135M-Instruct"


def find_model(
    name: str, *, revision: str | None = None, may_ask_the_hub: bool = True
) -> FoundModel:
    """Find a model: a path, the bundled catalogue, the Hugging Face cache, the hub, in that order.

    Args:
        name: A directory, a config or GGUF file (`DIRECTORY:Q8_0` too), or a name on the hub.
        revision: A branch, tag or commit there; the catalogue is passed over for it.
        may_ask_the_hub: Whether the network may be used; HF_HUB_OFFLINE forbids it, too.

    Raises:
        ModelError: no source has it, or what it has cannot be read.
    """
    if name == DEMO:
        return _of_catalogue(DEMO_MODEL, name)
    if (found := _on_this_machine(name)) is not None:
        return found
    if is_gguf_on_the_hub(name):
        raise ModelError(
            f"{name} is a GGUF file on the hub, where its header is not read.",
            hint="Name a GGUF file on this machine, or the model that it was made from.",
        )
    if revision is None and catalogue.look_up(name) is not None:
        return _of_catalogue(name, name)
    from mixvllm.models.sources import hub, local

    if (cached := hub.cached_directory(name, revision)) is not None:
        return local.in_directory(Path(cached), name, "Hugging Face cache")
    if not may_ask_the_hub:
        raise _nowhere(name, revision)
    try:
        return _found(hub.fetch_documents(name, revision), name)
    except ModelError as error:
        raise with_near_names(error, name) from error


def _on_this_machine(name: str) -> FoundModel | None:
    """What a path leads to; None where the name is none that exists, and may be one of the hub.

    Raises:
        ModelError: it can be nothing but a path, and nothing is there; or no model.
    """
    if Path(name).expanduser().exists():
        # What reads files takes longer to import than the catalogue takes to answer.
        from mixvllm.models.sources import local

        return local.look_up(name)
    if ":" in name and (file := gguf_in_directory(name)) is not None:
        from mixvllm.models.sources.gguf_model import found_in_gguf

        return found_in_gguf(file, name)
    if is_path(name):
        raise ModelError(
            f"There is nothing at {name}.",
            hint="For a model from the hub write OWNER/NAME.",
            code="model-not-found",
        )
    return None


def nearest_names(name: str) -> list[str]:
    """Models of the catalogue whose names are close to this one."""
    if whole := [known for known in catalogue_file.names() if _own(known) == name.lower()]:
        return whole[:3]
    by_small = {known.lower(): known for known in catalogue_file.names()}
    near = difflib.get_close_matches(name.lower(), by_small, 3, 0.6)
    if not near and "/" not in name:
        by_own = {_own(known): known for known in catalogue_file.names()}
        return [by_own[found] for found in difflib.get_close_matches(name.lower(), by_own, 3, 0.6)]
    return [by_small[found] for found in near]


def _own(name: str) -> str:
    """A model's name without its owner, in small letters."""
    return name.lower().partition("/")[2]


def _of_catalogue(key: str, name: str) -> FoundModel:
    entry = catalogue.look_up(key)
    assert entry is not None, f"{key} left the catalogue"
    description = replace(entry.description, name=name)
    return FoundModel(description, entry.weights, "catalogue", entry.description.name)


def _found(fetched: HubDocuments, name: str) -> FoundModel:
    from mixvllm.models.from_documents import found_in
    from mixvllm.models.sources import local

    return found_in(local.documents_of_hub(fetched), name, "hub", name)


def _nowhere(name: str, revision: str | None) -> ModelError:
    if revision is not None:
        return ModelError(
            f"The revision {revision} of {name} is not on this machine, and the catalogue has "
            "no revisions."
        )
    return with_near_names(
        ModelError(f"The model {name} is neither on this machine nor in the catalogue."), name
    )


def with_near_names(error: ModelError, name: str) -> ModelError:
    """The error with models of the catalogue whose names are close, where there are any."""
    near = nearest_names(name)
    if not near or name in near:
        return error
    hint = f"Did you mean {' or '.join(near)}?"
    hint = f"{hint} {error.hint}" if error.hint else hint
    return ModelError(error.message, hint=hint, code=error.code)
