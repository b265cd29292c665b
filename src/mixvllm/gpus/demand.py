"""Whether the GPUs of a machine are what a script needs."""

from __future__ import annotations

from dataclasses import dataclass

from mixvllm.gpus.device import Gpu, Inventory, MigSlice
from mixvllm.sizes import GIB


@dataclass(frozen=True)
class Demand:
    """So many usable GPUs, each with so much free memory."""

    count: int
    free_bytes: int = 0


def unmet(inventory: Inventory, demand: Demand) -> str | None:
    """What is missing, in a sentence; None where the demand is met.

    A GPU whose free memory is not known does not count where some is asked for.
    """
    found = [device for device in inventory.usable if _has_free(device, demand.free_bytes)]
    if len(found) >= demand.count:
        return None
    wanted = f"{demand.count} usable GPU{'s' if demand.count > 1 else ''}"
    if demand.free_bytes:
        wanted += f" with {demand.free_bytes / GIB:.2f} GiB free"
    text = f"Asked for {wanted}; {len(found) or 'none'} {'is' if len(found) < 2 else 'are'} here."
    unknown = sum(each.memory_free_bytes is None for each in inventory.usable)
    if demand.free_bytes and unknown:
        text += f" The free memory of {unknown} more is not known."
    return text


def _has_free(device: Gpu | MigSlice, free_bytes: int) -> bool:
    if not free_bytes:
        return True
    return device.memory_free_bytes is not None and device.memory_free_bytes >= free_bytes
