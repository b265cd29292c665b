"""Fetches a model's files from the hub before vLLM asks for them, to tell how far that is.

vLLM downloads in a worker process and says nothing until it is done.
"""

from __future__ import annotations

import io
import shutil
import types
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from mixvllm.errors import ModelError
from mixvllm.sizes import GIB

# The first kind that a repository has is the one that vLLM loads.
WEIGHTS = ("consolidated*.safetensors", "*.safetensors", "*.bin")
BESIDE_WEIGHTS = ("*.json", "*.model", "*.tiktoken", "*.txt", "*.jinja", "*.py")
# The unit of `st_blocks`, whatever the file system's own.
BLOCK_BYTES = 512

# Bytes there, and bytes in all as far as known.
OnBytes = Callable[[int, int | None], None]


def download_model(name: str, revision: str | None, on_bytes: OnBytes) -> None:
    """Bring what vLLM will load into the cache; what is there already is not fetched again.

    A model in a form that is not known here is left to vLLM.

    Raises:
        ModelError: there is no room for it on the disk.
        Exception: whatever huggingface_hub raises.
    """
    from huggingface_hub import HfApi, snapshot_download

    at_top = HfApi().list_repo_tree(name, revision=revision)
    sizes = {each.path: getattr(each, "size", 0) or 0 for each in at_top}
    wanted = wanted_files(sizes)
    if wanted:
        _check_room(name, revision, {file: sizes[file] for file in wanted})
        snapshot_download(
            name, revision=revision, allow_patterns=wanted, tqdm_class=_silent_bar(on_bytes)
        )


def wanted_files(files: Iterable[str]) -> list[str]:
    """The weights that vLLM loads, and the small files beside them; nothing without weights."""
    at_top = sorted(file for file in files if "/" not in file)
    weights = weights_among(at_top)
    if not weights:
        return []
    beside = [f for f in at_top if any(fnmatch(f, pattern) for pattern in BESIDE_WEIGHTS)]
    return [*weights, *beside]


def weights_among(files: Iterable[str]) -> list[str]:
    """The weights that vLLM loads: those of the first kind that there are, in their order."""
    names = sorted(files)
    for pattern in WEIGHTS:
        if weights := [name for name in names if fnmatch(name, pattern)]:
            return weights
    return []


def _check_room(name: str, revision: str | None, sizes: Mapping[str, int]) -> None:
    """Check that the disk of the cache holds the files that are not in it yet.

    Raises:
        ModelError: it does not; a download would break off hours later.
    """
    from huggingface_hub import constants, try_to_load_from_cache

    missing = sum(
        size
        for file, size in sizes.items()
        if not isinstance(try_to_load_from_cache(name, file, revision=revision), str)
    )
    cache = Path(constants.HF_HUB_CACHE).absolute()
    begun = (cache / f"models--{name.replace('/', '--')}" / "blobs").glob("*.incomplete")
    missing -= sum(path.stat().st_blocks * BLOCK_BYTES for path in begun)
    there = next(path for path in (cache, *cache.parents) if path.exists())
    free = shutil.disk_usage(there).free
    if missing > free:
        raise ModelError(
            f"There is no room for the model {name}: {missing / GIB:,.2f} GiB are to be "
            f"downloaded to {cache}, and {free / GIB:,.2f} GiB are free there.",
            hint="Make room, or set HF_HOME to a directory on a larger disk.",
            code="disk-full",
        )


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
