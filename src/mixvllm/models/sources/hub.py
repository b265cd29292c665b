"""The Hugging Face hub, or what `HF_ENDPOINT` names in its place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mixvllm.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN_HINT = "run `hf auth login`, or set HF_TOKEN"
LOCAL_HINT = "or name a local directory that has the model"


def check_hub_model(name: str, revision: str | None = None) -> None:
    """Check that the hub, or the cache of what it gave, has the model.

    Raises:
        ModelError: it cannot be fetched; the message says why and what to do.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    try:
        hf_hub_download(name, "config.json", revision=revision)
    except LocalEntryNotFoundError as error:
        raise _not_reached(name, error) from error
    except EntryNotFoundError:
        # Formats without a config.json (GGUF, Mistral's own): vLLM knows better.
        return
    except Exception as error:
        raise _worded(name, revision, error) from error


def _worded(name: str, revision: str | None, error: Exception) -> ModelError:
    """The first matching row of a table from error type to words; subclasses come first."""
    from huggingface_hub import errors

    table: tuple[tuple[type[Exception], Callable[[], ModelError]], ...] = (
        (errors.HFValidationError, lambda: _misspelt(name)),
        (errors.GatedRepoError, lambda: _gated(name)),
        (errors.RepositoryNotFoundError, lambda: _unknown(name)),
        (errors.RevisionNotFoundError, lambda: _no_revision(name, revision)),
        (errors.OfflineModeIsEnabled, lambda: _not_reached(name, error)),
        (OSError, lambda: _not_reached(name, error)),
    )
    for kind, build in table:
        if isinstance(error, kind):
            return build()
    return _not_reached(name, error)


def _misspelt(name: str) -> ModelError:
    return ModelError(
        f"{name!r} is no name of a model.",
        hint="A name on the hub is OWNER/NAME with letters, digits, `-`, `_` and `.`; "
        f"check the spelling, {LOCAL_HINT}.",
    )


def _gated(name: str) -> ModelError:
    return ModelError(
        f"The model {name} is gated: its owner lets in only those who asked.",
        hint=f"Ask for access on {_endpoint()}/{name}, then {TOKEN_HINT}.",
    )


def _unknown(name: str) -> ModelError:
    return ModelError(
        f"The hub has no model {name}, or it is private.",
        hint=f"Check the spelling on {_endpoint()}; for a private model {TOKEN_HINT}; "
        f"{LOCAL_HINT}.",
    )


def _no_revision(name: str, revision: str | None) -> ModelError:
    return ModelError(
        f"The model {name} has no revision {revision!r}.",
        hint="Check `model.revision`: a branch, a tag or a commit.",
    )


def _not_reached(name: str, error: Exception) -> ModelError:
    from huggingface_hub.constants import is_offline_mode

    if is_offline_mode():
        return ModelError(
            f"The model {name} is not in the local cache, and HF_HUB_OFFLINE keeps it from "
            "being downloaded.",
            hint=f"Unset HF_HUB_OFFLINE, {LOCAL_HINT}.",
        )
    return ModelError(
        f"The model {name} is not on this machine, and {_endpoint()} cannot be reached"
        f"{_reason(error)}.",
        hint=f"Check the network (HF_ENDPOINT names a mirror), {LOCAL_HINT}; "
        "`--model demo` needs no network.",
    )


def _reason(error: Exception) -> str:
    """The bottom of a chain of exceptions: what the network said."""
    while error.__cause__ or error.__context__:
        deeper = error.__cause__ or error.__context__
        if not isinstance(deeper, Exception):
            break
        error = deeper
    text = str(error).strip().splitlines()
    return f" ({text[0]})" if text and len(text[0]) < 200 else ""


def _endpoint() -> str:
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
