"""Fetches a model's files from the hub before vLLM asks for them, to tell how far that is.

vLLM downloads in a worker process and says nothing until it is done.
"""

from __future__ import annotations

import io
import types
from collections.abc import Callable, Iterable
from fnmatch import fnmatch
from typing import Any

# The first kind that a repository has is the one that vLLM loads.
WEIGHTS = ("consolidated*.safetensors", "*.safetensors", "*.bin")
BESIDE_WEIGHTS = ("*.json", "*.model", "*.tiktoken", "*.txt", "*.jinja", "*.py")

# Bytes there, and bytes in all as far as known.
OnBytes = Callable[[int, int | None], None]


def download_model(name: str, revision: str | None, on_bytes: OnBytes) -> None:
    """Bring what vLLM will load into the cache; what is there already is not fetched again.

    A model in a form that is not known here is left to vLLM.

    Raises:
        Exception: whatever huggingface_hub raises.
    """
    from huggingface_hub import list_repo_files, snapshot_download

    wanted = wanted_files(list_repo_files(name, revision=revision))
    if wanted:
        snapshot_download(
            name, revision=revision, allow_patterns=wanted, tqdm_class=_silent_bar(on_bytes)
        )


def wanted_files(files: Iterable[str]) -> list[str]:
    """The weights that vLLM loads, and the small files beside them; nothing without weights."""
    at_top = sorted(file for file in files if "/" not in file)
    for pattern in WEIGHTS:
        if weights := [file for file in at_top if fnmatch(file, pattern)]:
            beside = [f for f in at_top if any(fnmatch(f, pattern) for pattern in BESIDE_WEIGHTS)]
            return [*weights, *beside]
    return []


def _silent_bar(on_bytes: OnBytes) -> Any:
    """A class of progress bars that draw nothing and tell the bytes."""
    from huggingface_hub.utils.tqdm import tqdm

    base: Any = tqdm  # it has no types

    def begin(bar: Any, *args: Any, **kwargs: Any) -> None:
        base.__init__(bar, *args, **{**kwargs, "file": io.StringIO(), "disable": False})

    def display(bar: Any, *_: Any, **__: Any) -> None:
        if bar.unit == "B":
            on_bytes(int(bar.n), int(bar.total) if bar.total else None)

    methods = {"__init__": begin, "display": display}
    return types.new_class("SilentBar", (base,), exec_body=lambda body: body.update(methods))
