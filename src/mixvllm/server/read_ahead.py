"""Has the kernel read a model's weights into its page cache while vLLM is still being imported.

vLLM opens the weights some 20 s after the start; a disk that is slower than the memory can use
them. The kernel is only advised (`posix_fadvise`): what is cached already costs nothing, and what
memory is needed for goes first.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from pathlib import Path

from mixvllm.models.sources.hub_download import weights_among
from mixvllm.server.machine_memory import machine_memory
from mixvllm.server.model_files import OWN_DOWNLOAD
from mixvllm.sizes import MIB

# The kernel takes up a few MiB of each piece of advice and drops the rest.
PIECE_BYTES = 4 * MIB
# Of the memory that is available; more would push out what was read first.
MOST = 0.5


def read_ahead(directory: Path, arguments: Iterable[str] = ()) -> threading.Thread | None:
    """Begin to read the weights in a directory; None where there is nothing to gain.

    Args:
        directory: The model's files.
        arguments: The names of vLLM's arguments that are given: with some it loads other files.
    """
    files = weight_files(directory)
    size = sum(file.stat().st_size for file in files)
    is_possible = hasattr(os, "posix_fadvise") and not OWN_DOWNLOAD.intersection(arguments)
    if not is_possible or not 0 < size <= machine_memory().available_bytes * MOST:
        return None
    thread = threading.Thread(target=_advise, args=(files,), name="read-ahead", daemon=True)
    thread.start()
    return thread


def weight_files(directory: Path) -> list[Path]:
    """The files that vLLM will load, in its order."""
    names = weights_among(file.name for file in directory.glob("*"))
    return [directory / name for name in names]


def _advise(files: list[Path]) -> None:
    try:
        for file in files:
            with file.open("rb") as opened:
                for start in range(0, file.stat().st_size, PIECE_BYTES):
                    os.posix_fadvise(opened.fileno(), start, PIECE_BYTES, os.POSIX_FADV_WILLNEED)
    except OSError:
        return  # vLLM will say what is wrong with the file
