"""The Hugging Face hub, or what `HF_ENDPOINT` names in its place."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mixvllm.errors import ModelError, without_number
from mixvllm.models.safetensors_header import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from mixvllm.models.sources.hub_download import OnBytes


@dataclass(frozen=True)
class HubDocuments:
    """Paths of what was fetched into the cache, and the tensors of the weight files."""

    config: str
    hf_quant_config: str | None
    index: str | None
    tensors: dict[str, Tensor] | None


TOKEN_HINT = "run `hf auth login`, or set HF_TOKEN"
CONFIG = "config.json"
QUANT_CONFIG = "hf_quant_config.json"
INDEX = "model.safetensors.index.json"
TIMEOUT_S = 10
# huggingface_hub 1 speaks HTTP through httpx, 2 through its successor.
NETWORK_PACKAGES = ("httpx", "httpx2", "httpcore", "httpcore2", "huggingface_hub")
LOCAL_HINT = "or name a local directory that has the model"


def check_hub_model(name: str, revision: str | None = None) -> None:
    """Check that the hub, or the cache of what it gave, has the model.

    Raises:
        ModelError: it cannot be fetched; the message says why and what to do.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.constants import is_offline_mode
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

    cached = False
    try:
        cached = _is_cached(name, revision)
        if cached and is_offline_mode():
            return
        # One question without the retries of a download: a mistake is told at once.
        get_hf_file_metadata(hf_hub_url(name, CONFIG, revision=revision))
    except EntryNotFoundError:
        # Formats without a config.json (GGUF, Mistral's own): vLLM knows better.
        return
    except HfHubHTTPError as error:
        raise _worded(name, revision, error) from error
    except Exception as error:
        if not cached:
            raise _worded(name, revision, error) from error


def fetch_hub_model(name: str, revision: str | None, on_bytes: OnBytes) -> None:
    """Bring the model into the cache; without a network what the cache has must do.

    Raises:
        ModelError: it broke off, or the disk is full.
    """
    from huggingface_hub.constants import is_offline_mode

    from mixvllm.models.sources.hub_download import download_model

    if is_offline_mode():
        return
    try:
        download_model(name, revision, on_bytes)
    except ModelError:
        raise
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise ModelError(
                f"The disk is too full for the model {name}.",
                hint="Make room, or set HF_HOME to a directory on a larger disk.",
                code="disk-full",
            ) from error
        if not _is_cached(name, revision):
            raise _worded(name, revision, error) from error
    except Exception as error:
        if not _is_cached(name, revision):
            raise _worded(name, revision, error) from error


def cached_directory(name: str, revision: str | None = None) -> str | None:
    """Where the cache keeps the model's files; None where it has no config of it."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(name, CONFIG, revision=revision)
    except HFValidationError:
        return None
    return os.path.dirname(found) if isinstance(found, str) else None


def fetch_documents(name: str, revision: str | None = None) -> HubDocuments:
    """Fetch what describes a model: small files whole, weight files' headers by range request.

    Raises:
        ModelError: it cannot be fetched; the message says why and what to do.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    # A download asks again and again for half a minute; this asks once.
    check_hub_model(name, revision)

    def path_of(file: str) -> str | None:
        try:
            return hf_hub_download(name, file, revision=revision, etag_timeout=TIMEOUT_S)
        except LocalEntryNotFoundError:  # the hub was not asked, or did not answer
            raise
        except EntryNotFoundError:
            return None

    try:
        config = path_of(CONFIG)
        if config is None:
            raise ModelError(
                f"The model {name} has no config.json on the hub.",
                hint="Name a GGUF file on this machine, or the model that it was made from.",
                code="model-incomplete",
            )
        return HubDocuments(
            config, path_of(QUANT_CONFIG), path_of(INDEX), _tensors_on_the_hub(name, revision)
        )
    except ModelError:
        raise
    except Exception as error:
        raise _worded(name, revision, error) from error


def _tensors_on_the_hub(name: str, revision: str | None) -> dict[str, Tensor] | None:
    """The tensors that the headers list; None where the model has other files, or broken ones."""
    from huggingface_hub import get_safetensors_metadata
    from huggingface_hub.errors import NotASafetensorsRepoError, SafetensorsParsingError

    try:
        metadata = get_safetensors_metadata(name, revision=revision)
    except (NotASafetensorsRepoError, SafetensorsParsingError):
        return None
    return {
        tensor: Tensor(
            str(info.dtype), tuple(info.shape), info.data_offsets[1] - info.data_offsets[0]
        )
        for file in metadata.files_metadata.values()
        for tensor, info in file.tensors.items()
    }


def _is_cached(name: str, revision: str | None) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(name, CONFIG, revision=revision), str)


def _worded(name: str, revision: str | None, error: Exception) -> ModelError:
    """The first matching row of a table from error type to words; subclasses come first.

    Raises:
        Exception: the error itself, where it is of no kind that a hub or a network has.
    """
    from huggingface_hub import errors

    table: tuple[tuple[type[Exception], Callable[[], ModelError]], ...] = (
        (errors.HFValidationError, lambda: _misspelt(name)),
        (errors.GatedRepoError, lambda: _gated(name)),
        (errors.RepositoryNotFoundError, lambda: _unknown(name)),
        (errors.RevisionNotFoundError, lambda: _no_revision(name, revision)),
        (OSError, lambda: _not_reached(name, error)),
    )
    for kind, build in table:
        if isinstance(error, kind):
            return build()
    if type(error).__module__.partition(".")[0] not in NETWORK_PACKAGES:
        raise error
    return _not_reached(name, error)


def _misspelt(name: str) -> ModelError:
    return ModelError(
        f"{name!r} is no name of a model.",
        hint="A name on the hub is OWNER/NAME with letters, digits, `-`, `_` and `.`; "
        f"check the spelling, {LOCAL_HINT}.",
        code="model-not-found",
    )


def _gated(name: str) -> ModelError:
    return ModelError(
        f"The model {name} is gated: its owner lets in only those who asked.",
        hint=f"Ask for access on {_endpoint()}/{name}, then {TOKEN_HINT}.",
        code="gated-model",
    )


def _unknown(name: str) -> ModelError:
    return ModelError(
        f"The hub has no model {name}, or it is private.",
        hint=f"Check the spelling on {_endpoint()}; for a private model {TOKEN_HINT}; "
        f"{LOCAL_HINT}.",
        code="model-not-found",
    )


def _no_revision(name: str, revision: str | None) -> ModelError:
    return ModelError(
        f"The model {name} has no revision {revision!r}.",
        hint="Check `model.revision`: a branch, a tag or a commit.",
        code="model-not-found",
    )


def _not_reached(name: str, error: Exception) -> ModelError:
    from huggingface_hub.constants import is_offline_mode

    if is_offline_mode():
        return ModelError(
            f"The model {name} is not in the local cache, and HF_HUB_OFFLINE keeps it from "
            "being downloaded.",
            hint=f"Unset HF_HUB_OFFLINE, {LOCAL_HINT}.",
            code="hub-unreachable",
        )
    return ModelError(
        f"The model {name} is not on this machine, and {_endpoint()} cannot be reached"
        f"{_reason(error)}.",
        hint=f"Check the network (HF_ENDPOINT names a mirror), {LOCAL_HINT}; "
        "`--model demo` needs no network.",
        code="hub-unreachable",
    )


def _reason(error: Exception) -> str:
    """The bottom of a chain of exceptions: what the network said."""
    while error.__cause__ or error.__context__:
        deeper = error.__cause__ or error.__context__
        if not isinstance(deeper, Exception):
            break
        error = deeper
    text = without_number(str(error).strip()).splitlines()
    return f" ({text[0]})" if text and len(text[0]) < 200 else ""


def _endpoint() -> str:
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
