"""Waits until the GPUs have the memory back that a dead engine held."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from mixvllm.gpus.inventory import Machine, missing_library
from mixvllm.sizes import GIB

# The driver takes a moment to clean up after a killed process; a long one where it hangs.
PATIENCE_S = 30.0
LOOK_INTERVAL_S = 0.5
# What others may have taken meanwhile without being in the way.
TOLERANCE_BYTES = GIB // 2


class GpuMemory:
    """What was free on each GPU before the first engine was built; nothing without a driver."""

    def __init__(self, read: Callable[[], dict[int, int]] | None = None) -> None:
        """Take what reads the free bytes of each GPU by its index."""
        self._read = read or free_bytes
        self._before: dict[int, int] | None = None

    def wait_until_back(
        self, on_wait: Callable[[], None], *, patience_s: float = PATIENCE_S
    ) -> None:
        """The first time, look; later, wait until as much is free again, or patience is over.

        Args:
            on_wait: Told when it has to wait.
            patience_s: The longest wait: another process may have taken the memory for good.
        """
        now = self._read()
        if self._before is None:
            self._before = now
            return
        until = time.monotonic() + patience_s
        if self._is_short(now):
            on_wait()
        while self._is_short(now) and time.monotonic() < until:
            time.sleep(LOOK_INTERVAL_S)
            now = self._read()

    def _is_short(self, now: dict[int, int]) -> bool:
        before = self._before or {}
        return any(now.get(gpu, 0) < free - TOLERANCE_BYTES for gpu, free in before.items())


def free_bytes() -> dict[int, int]:
    """The free bytes of each GPU that tells them; a millisecond without NVIDIA's driver."""
    if missing_library() is not None:
        return {}
    with Machine(os.environ) as machine:
        gpus = machine.inventory().gpus
    return {gpu.index: gpu.memory_free_bytes for gpu in gpus if gpu.memory_free_bytes is not None}
