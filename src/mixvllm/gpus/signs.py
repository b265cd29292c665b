"""Whether it is worth looking for GPUs at all: next to free on a machine without any."""

from __future__ import annotations

import ctypes
import sys

from mixvllm.gpus.nodes import device_nodes

LIBRARY = "libnvidia-ml.so.1"


def any_sign() -> bool:
    """Whether a library or a device of a GPU is here."""
    return library_error() is None or sys.platform != "linux" or bool(device_nodes().vendors)


def library_error() -> str | None:
    """Why the loader does not find NVML; it costs a millisecond, a process fifty."""
    try:
        ctypes.CDLL(LIBRARY)
    except OSError as error:
        return str(error)
    return None
