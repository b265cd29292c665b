"""NVIDIA's management library, asked in a process of its own; no CUDA context is made.

`python -m mixvllm.gpus.nvml SECONDS` answers each line on stdin with a reading. A driver that
hangs or crashes takes nobody with it, and a GPU that does not answer hides none of the others.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from threading import Thread
from typing import Any, TypeVar

import pynvml

from mixvllm.gpus.child import answer_requests
from mixvllm.gpus.device import Failure, Gpu, GpuProcess, MigSlice, Reading
from mixvllm.gpus.nvml_links import read_links
from mixvllm.gpus.requests import LINKS

T = TypeVar("T")
# A single GPU is given up early enough to tell of the others.
SHARE_OF_A_GPU = 0.75
NOT_FOUND = pynvml.NVML_ERROR_FUNCTION_NOT_FOUND
# NVML speaks of these as of errors, though only the one fact is not to be had.
UNKNOWN = (
    pynvml.NVML_ERROR_NOT_SUPPORTED,
    pynvml.NVML_ERROR_NO_PERMISSION,
    pynvml.NVML_ERROR_NO_DATA,
    pynvml.NVML_ERROR_NOT_READY,
    pynvml.NVML_ERROR_NOT_FOUND,
    pynvml.NVML_ERROR_INVALID_ARGUMENT,
    pynvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH,
    pynvml.NVML_ERROR_UNKNOWN,
    NOT_FOUND,
)
FAILURES = {
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED: Failure(
        "NVIDIA's library is installed, but its kernel driver is not loaded",
        "sudo modprobe nvidia",
    ),
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: Failure(
        "NVIDIA's library and the loaded kernel driver are of different versions, as after an "
        "update",
        "sudo reboot",
    ),
    pynvml.NVML_ERROR_NO_PERMISSION: Failure(
        "this user may not open NVIDIA's driver", "ls -l /dev/nvidiactl /dev/nvidia0"
    ),
}
LOST = "fallen off the bus: the driver has lost it; see `sudo dmesg | grep -i xid`, then reboot"
SILENT = "the driver does not answer about it"


class Session:
    """NVML, opened on first use."""

    def __init__(self, deadline_s: float) -> None:
        self.deadline_s = deadline_s
        self.is_open = False
        self.stuck: dict[int, Thread] = {}

    def read(self, request: str = "") -> Reading:
        """Everything that NVML tells; how the GPUs are joined where that is asked for."""
        try:
            if not self.is_open:
                pynvml.nvmlInit()
                self.is_open = True
            count = pynvml.nvmlDeviceGetCount()
        except pynvml.NVMLError as error:
            other = Failure(f"NVIDIA's management library fails ({error})", "nvidia-smi")
            return Reading(failure=FAILURES.get(error.value, other))
        if not count:
            return Reading(failure=Failure("NVIDIA's driver finds no GPU", "nvidia-smi"))
        cuda = told(pynvml.nvmlSystemGetCudaDriverVersion)
        return Reading(
            self._read_all(count),
            driver=told(pynvml.nvmlSystemGetDriverVersion),
            cuda=f"{cuda // 1000}.{cuda % 1000 // 10}" if cuda else None,
            links=read_links(count) if request == LINKS else None,
        )

    def _read_all(self, count: int) -> tuple[Gpu, ...]:
        """Each GPU in a thread of its own: one that hangs does not hold up the others."""
        found: dict[int, Gpu] = {}
        until = time.monotonic() + self.deadline_s
        threads = {
            index: self.stuck.get(index)
            or Thread(target=lambda i: found.update({i: read_gpu(i)}), args=(index,), daemon=True)
            for index in range(count)
        }
        for index, thread in threads.items():
            if index not in self.stuck:
                thread.start()
        for thread in threads.values():
            thread.join(max(0.0, until - time.monotonic()))
        self.stuck = {index: each for index, each in threads.items() if each.is_alive()}
        silent = {index: Gpu(index, error=SILENT) for index in threads if index not in found}
        return tuple((found | silent)[index] for index in range(count))


def told(function: Callable[..., T], *arguments: Any) -> T | None:
    """What a function of NVML's returns; None where the driver does not know it.

    Raises:
        NVMLError: the GPU, or the driver, is in trouble.
    """
    try:
        return function(*arguments)
    except pynvml.NVMLError as error:
        if error.value in UNKNOWN:
            return None
        raise


def read_gpu(index: int) -> Gpu:
    """One GPU; what is wrong with it stands in it."""
    try:
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        return _read(index, handle)
    except pynvml.NVMLError as error:
        lost = error.value == pynvml.NVML_ERROR_GPU_IS_LOST
        return Gpu(index, error=LOST if lost else f"the driver fails ({error})")


def _read(index: int, handle: Any) -> Gpu:
    rates = told(pynvml.nvmlDeviceGetUtilizationRates, handle)
    return Gpu(
        index,
        uuid=told(pynvml.nvmlDeviceGetUUID, handle),
        name=told(pynvml.nvmlDeviceGetName, handle),
        **_memory(handle),
        utilization_percent=rates.gpu if rates else None,
        temperature_c=_temperature(handle),
        power_w=_watts(told(pynvml.nvmlDeviceGetPowerUsage, handle)),
        power_limit_w=_watts(told(pynvml.nvmlDeviceGetEnforcedPowerLimit, handle)),
        compute_capability=_capability(handle),
        mig=_slices(handle),
        processes=_processes(handle),
    )


def _capability(handle: Any) -> str | None:
    capability = told(pynvml.nvmlDeviceGetCudaComputeCapability, handle)
    return f"{capability[0]}.{capability[1]}" if capability else None


def _memory(handle: Any) -> dict[str, Any]:
    """Old drivers count what they reserve as used, and do not tell it apart."""
    memory = told(pynvml.nvmlDeviceGetMemoryInfo, handle, pynvml.nvmlMemory_v2)
    reserved = {} if memory is None else {"memory_reserved_bytes": memory.reserved}
    memory = memory or told(pynvml.nvmlDeviceGetMemoryInfo, handle)
    if memory is None or not memory.total:
        return {}
    return reserved | {
        "memory_total_bytes": memory.total,
        "memory_used_bytes": memory.used,
        "memory_free_bytes": memory.free,
    }


def _temperature(handle: Any) -> int | None:
    """The newer function, or the one that CUDA 14 takes away."""
    sensor = pynvml.NVML_TEMPERATURE_GPU
    newer = told(pynvml.nvmlDeviceGetTemperatureV, handle, sensor)
    return told(pynvml.nvmlDeviceGetTemperature, handle, sensor) if newer is None else newer


def _watts(milliwatts: int | None) -> float | None:
    return None if milliwatts is None else milliwatts / 1000


def _slices(handle: Any) -> tuple[MigSlice, ...] | None:
    mode = told(pynvml.nvmlDeviceGetMigMode, handle)
    if mode is None or mode[0] != pynvml.NVML_DEVICE_MIG_ENABLE:
        return None
    most = told(pynvml.nvmlDeviceGetMaxMigDeviceCount, handle) or 0
    found = (
        (index, told(pynvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, index))
        for index in range(most)
    )
    return tuple(
        MigSlice(
            index,
            uuid=told(pynvml.nvmlDeviceGetUUID, part),
            name=told(pynvml.nvmlDeviceGetName, part),
            **_memory(part),
            gpu_instance=told(pynvml.nvmlDeviceGetGpuInstanceId, part),
            compute_instance=told(pynvml.nvmlDeviceGetComputeInstanceId, part),
            compute_capability=_capability(handle),
        )
        for index, part in found
        if part is not None
    )


def _processes(handle: Any) -> tuple[GpuProcess, ...]:
    """One entry a process; one that both computes and draws is told of twice."""
    held: dict[int, int | None] = {}
    for process in _told_of(handle):
        memory = (held.get(process.pid), process.usedGpuMemory)
        held[process.pid] = max((each for each in memory if each is not None), default=None)
    return tuple(GpuProcess(pid, held[pid]) for pid in sorted(held))


def _told_of(handle: Any) -> Iterator[Any]:
    compute, older, drawing = (
        pynvml.nvmlDeviceGetComputeRunningProcesses_v3,
        pynvml.nvmlDeviceGetComputeRunningProcesses_v2,
        pynvml.nvmlDeviceGetGraphicsRunningProcesses_v3,
    )
    yield from told(compute, handle) or told(older, handle) or ()
    yield from told(drawing, handle) or ()


def main(arguments: Sequence[str]) -> None:
    """Answer until nobody asks any more."""
    deadline_s = float(arguments[0])
    answer_requests(Session(deadline_s * SHARE_OF_A_GPU).read, limit_s=2 * deadline_s)


if __name__ == "__main__":
    main(sys.argv[1:])
