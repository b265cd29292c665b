"""What is known of a GPU: frozen facts with units in their names, None where unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ProcessKind = Literal["vllm", "mixvllm", "orphan", "other"]
# For each GPU its link to each: `NV18`, `PIX`, ...; None to itself and where it is not known.
Links = tuple[tuple[str | None, ...], ...]
Source = Literal["nvml", "torch", "none"]


@dataclass(frozen=True)
class GpuProcess:
    """A process that uses a GPU.

    Attributes:
        pid: Its number, as the driver tells it: in a container it may be the host's.
        memory_bytes: What it holds on this GPU.
        name: Its name, or None where it cannot be seen from here.
        user: Whose it is.
        command: Its command line, on one line and without keys.
        kind: Ours, vLLM's, what a dead server left, another; None where it cannot be seen.
    """

    pid: int
    memory_bytes: int | None = None
    name: str | None = None
    user: str | None = None
    command: str | None = None
    kind: ProcessKind | None = None


@dataclass(frozen=True)
class MigSlice:
    """A part of a GPU that works as a GPU of its own (MIG).

    Attributes:
        visible_as: Its index among the devices that a CUDA program started here sees, or None.
    """

    index: int
    uuid: str | None = None
    name: str | None = None
    memory_total_bytes: int | None = None
    memory_reserved_bytes: int | None = None
    memory_used_bytes: int | None = None
    memory_free_bytes: int | None = None
    gpu_instance: int | None = None
    compute_instance: int | None = None
    compute_capability: str | None = None
    visible_as: int | None = None


@dataclass(frozen=True)
class Gpu:
    """A GPU.

    Attributes:
        index: The driver's number of it.
        memory_reserved_bytes: What the driver keeps: neither used nor free.
        compute_capability: NVIDIA's (`9.0`), or the name of the architecture (`gfx942`).
        mig: Its slices; None where it is not divided, empty where it is but has none yet.
        visible_as: Its index among the devices that a CUDA program started here sees; None where
            it sees none, as of a GPU that is hidden, divided or lost.
        error: Why nothing, or not all, is known of it.
    """

    index: int
    uuid: str | None = None
    name: str | None = None
    memory_total_bytes: int | None = None
    memory_reserved_bytes: int | None = None
    memory_used_bytes: int | None = None
    memory_free_bytes: int | None = None
    utilization_percent: int | None = None
    temperature_c: int | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    compute_capability: str | None = None
    mig: tuple[MigSlice, ...] | None = None
    processes: tuple[GpuProcess, ...] = ()
    visible_as: int | None = None
    error: str | None = None


@dataclass(frozen=True)
class Failure:
    """Why a source told nothing.

    Attributes:
        message: What is wrong, a clause without a full stop.
        fix: What to do, as a command or a sentence; None where there is nothing to do.
        is_absent: Whether what would answer is simply not there, so that another source may know.
    """

    message: str
    fix: str | None = None
    is_absent: bool = False


@dataclass(frozen=True)
class Reading:
    """What one source tells; a failure, or GPUs."""

    gpus: tuple[Gpu, ...] = ()
    driver: str | None = None
    cuda: str | None = None
    failure: Failure | None = None
    links: Links | None = None


@dataclass(frozen=True)
class Inventory:
    """The GPUs of this machine.

    Attributes:
        source: Which one answered.
        driver: The driver's version.
        cuda: The newest CUDA that the driver serves.
        failures: Why the sources before it did not.
        visible_devices: What CUDA_VISIBLE_DEVICES says, or None where it is not set.
        device_order: What CUDA_DEVICE_ORDER says, or None where it is not set.
        links: How they are joined; None where that was not asked, or is not known.
    """

    gpus: tuple[Gpu, ...]
    source: Source
    driver: str | None = None
    cuda: str | None = None
    failures: tuple[Failure, ...] = ()
    visible_devices: str | None = None
    device_order: str | None = None
    links: Links | None = None

    @property
    def reason(self) -> str | None:
        """Why NVML, or any source, did not answer, in one sentence."""
        if not self.failures:
            return None
        text = ", and ".join(failure.message for failure in self.failures)
        return f"{text[0].upper()}{text[1:]}."

    @property
    def usable(self) -> tuple[Gpu | MigSlice, ...]:
        """What a CUDA program started here can use, in its order.

        CUDA gives a process at most one MIG slice, and only where no whole GPU is seen.
        """
        whole = [gpu for gpu in self.gpus if gpu.visible_as is not None]
        if whole:
            return tuple(sorted(whole, key=lambda gpu: gpu.visible_as or 0))
        return tuple(
            part for gpu in self.gpus for part in gpu.mig or () if part.visible_as is not None
        )
