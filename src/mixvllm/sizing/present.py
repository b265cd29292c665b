"""The GPUs of this machine, to plan for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

from mixvllm.errors import EstimateError
from mixvllm.gpus.device import Gpu as Device
from mixvllm.gpus.device import Inventory, MigSlice
from mixvllm.gpus.inventory import Machine
from mixvllm.memory.gpu_table import Gpu, all_gpus, find_gpu


@dataclass(frozen=True)
class PresentGpu:
    """A device that vLLM can use, and what to plan with.

    Attributes:
        device: The GPU, or the MIG slice, as it is now.
        gpu: What its memory is to vLLM, or None where nothing tells how large it is.
    """

    device: Device | MigSlice
    gpu: Gpu | None


@dataclass(frozen=True)
class PresentGpus:
    """The devices that vLLM would use, in its order, and the machine that they were found on."""

    gpus: tuple[PresentGpu, ...]
    inventory: Inventory

    def to_plan_for(self, count: int) -> Gpu | None:
        """The smallest of the first `count`: vLLM uses those, and the smallest sets the limit.

        None where there is none, or the memory of one of them is not known.
        """
        sizes = [present.gpu for present in self.gpus[:count]]
        known = [gpu for gpu in sizes if gpu is not None]
        if not known or len(known) < len(sizes):
            return None
        return min(known, key=lambda gpu: gpu.total_bytes)


def present_gpus(environment: Mapping[str, str] | None = None) -> PresentGpus:
    """The GPUs that vLLM would use if it were started here; a millisecond without a driver.

    Args:
        environment: Where CUDA_VISIBLE_DEVICES stands; this process's own by default.
    """
    with Machine(os.environ if environment is None else environment) as machine:
        return as_present(machine.inventory())


def as_present(inventory: Inventory) -> PresentGpus:
    """What can be planned with, of an inventory."""
    return PresentGpus(
        tuple(PresentGpu(device, planned(device)) for device in inventory.usable), inventory
    )


def planned(device: Device | MigSlice) -> Gpu | None:
    """A device with the memory that PyTorch reports of it.

    PyTorch counts what the driver leaves: for an H100 79.1 GiB of 79.6. The table gives what goes
    by the name; where the driver does not tell the memory (unified memory), that as well.
    """
    total, name = device.memory_total_bytes, device.name
    if total is None:
        return _of_table(name, 0)
    size = total - (device.memory_reserved_bytes or 0)
    known = _of_table(name, size) or Gpu(name=name, total_bytes=size)
    return replace(
        known,
        total_bytes=size,
        is_measured=True,
        compute_capability=device.compute_capability or known.compute_capability,
    )


def _of_table(name: str | None, size: int) -> Gpu | None:
    """The GPU of the table that the driver's name means, in the variant of about this size."""
    try:
        found = find_gpu(name) if name else None
    except EstimateError:
        return None
    same = [gpu for gpu in all_gpus() if found and gpu.name == found.name]
    return min(same, key=lambda gpu: abs(gpu.total_bytes - size), default=None)
