"""What the GPUs are doing, read in the background while somebody asks for it."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator

from mixvllm.gpus.device import Gpu
from mixvllm.gpus.inventory import Machine, missing_library
from mixvllm.server.metrics.family import Family, Sample

LOG = logging.getLogger(__name__)
INTERVAL_S = 5.0
# Scrapes are a quarter of a minute to a minute apart; nobody asks longer than this: sleep.
READS_AFTER_A_QUESTION = 24
CLOSES_WITHIN_S = 0.5
STALE_AFTER_S = 3 * INTERVAL_S

METRICS: tuple[tuple[str, str, Callable[[Gpu], float | None]], ...] = (
    ("mixvllm_gpu_memory_used_bytes", "Memory in use.", lambda gpu: gpu.memory_used_bytes),
    ("mixvllm_gpu_memory_total_bytes", "Memory of the GPU.", lambda gpu: gpu.memory_total_bytes),
    (
        "mixvllm_gpu_utilization_ratio",
        "Share of the time in which a kernel ran, 0 to 1.",
        lambda gpu: None if gpu.utilization_percent is None else gpu.utilization_percent / 100,
    ),
)


class GpuReadings:
    """The newest reading; asking for it never waits for the driver."""

    def __init__(self, machine: Machine | None = None, *, interval_s: float = INTERVAL_S) -> None:
        """Read nothing yet.

        Args:
            machine: Where the GPUs are; nothing is ever read where NVML is not installed.
            interval_s: Seconds between two readings.
        """
        self._machine = machine or Machine(os.environ)
        self._interval_s = interval_s
        self._gpus: tuple[Gpu, ...] = ()
        self._read_at = 0.0
        self._asked = threading.Event()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_absent = missing_library() is not None

    def latest(self) -> tuple[Gpu, ...]:
        """The GPUs as last read; none before the first reading, or when it is an old one."""
        if self._is_absent:
            return ()
        self._asked.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._read_on, name="gpus", daemon=True)
            self._thread.start()
        is_fresh = time.monotonic() - self._read_at < STALE_AFTER_S
        return self._gpus if is_fresh else ()

    def close(self) -> None:
        """Read no more."""
        self._closed.set()
        self._asked.set()
        if self._thread is not None:
            self._thread.join(CLOSES_WITHIN_S)

    def _read_on(self) -> None:
        left = 0
        with self._machine:
            while not self._closed.is_set():
                if self._asked.is_set() or not left:
                    self._asked.wait()
                    self._asked.clear()
                    left = READS_AFTER_A_QUESTION
                left -= 1
                self._read()
                self._closed.wait(self._interval_s)

    def _read(self) -> None:
        try:
            self._gpus = self._machine.inventory().gpus
            self._read_at = time.monotonic()
        except Exception:
            LOG.exception("The GPUs could not be read for /metrics.")


def gpu_families(gpus: tuple[Gpu, ...]) -> Iterator[Family]:
    """The metrics of the GPUs; what one does not tell is left out."""
    for name, help_, value_of in METRICS:
        values = ((gpu, value_of(gpu)) for gpu in gpus)
        samples = tuple(
            Sample(value, {"gpu": str(gpu.index), "name": gpu.name or ""})
            for gpu, value in values
            if value is not None
        )
        yield Family(name, "gauge", help_, samples)
