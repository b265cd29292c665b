"""How the GPUs are joined: NVLink, else the way over PCIe, in the words of `nvidia-smi topo`."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pynvml

from mixvllm.gpus.device import Links

# What the way over PCIe passes: nothing but the board, one switch, several, the host bridge, the
# links within a NUMA node, those between nodes.
LEVELS = {
    pynvml.NVML_TOPOLOGY_INTERNAL: "INT",
    pynvml.NVML_TOPOLOGY_SINGLE: "PIX",
    pynvml.NVML_TOPOLOGY_MULTIPLE: "PXB",
    pynvml.NVML_TOPOLOGY_HOSTBRIDGE: "PHB",
    pynvml.NVML_TOPOLOGY_NODE: "NODE",
    pynvml.NVML_TOPOLOGY_SYSTEM: "SYS",
}
SWITCH = "switch"


def read_links(count: int) -> Links:
    """For each pair `NV18` (so many NVLinks) or the way over PCIe; None where it is not known."""
    handles = [_or_none(pynvml.nvmlDeviceGetHandleByIndex, index) for index in range(count)]
    buses = [handle and _bus(_or_none(pynvml.nvmlDeviceGetPciInfo, handle)) for handle in handles]
    ends = [_nvlinks(handle) for handle in handles]
    return tuple(
        tuple(
            _link(handles, ends, buses, here, there) if here != there else None
            for there in range(count)
        )
        for here in range(count)
    )


def _link(
    handles: list[Any], ends: list[Counter[str]], buses: list[str | None], here: int, there: int
) -> str | None:
    if handles[here] is None or handles[there] is None:
        return None
    direct = ends[here][buses[there] or ""]
    switched = min(ends[here][SWITCH], ends[there][SWITCH])
    if direct or switched:
        return f"NV{direct or switched}"
    ancestor = pynvml.nvmlDeviceGetTopologyCommonAncestor
    return LEVELS.get(_or_none(ancestor, handles[here], handles[there]))


def _nvlinks(handle: Any) -> Counter[str]:
    """Where the active NVLinks of a GPU end: at the bus of another, or at a switch."""
    ends: Counter[str] = Counter()
    for link in range(pynvml.NVML_NVLINK_MAX_LINKS if handle is not None else 0):
        if not _or_none(pynvml.nvmlDeviceGetNvLinkState, handle, link):
            continue
        kind = _or_none(pynvml.nvmlDeviceGetNvLinkRemoteDeviceType, handle, link)
        if kind == pynvml.NVML_NVLINK_DEVICE_TYPE_SWITCH:
            ends[SWITCH] += 1
        elif bus := _bus(_or_none(pynvml.nvmlDeviceGetNvLinkRemotePciInfo, handle, link)):
            ends[bus] += 1
    return ends


def _bus(info: Any) -> str | None:
    bus = getattr(info, "busId", None)
    return bus.decode() if isinstance(bus, bytes) else bus


def _or_none(function: Any, *arguments: Any) -> Any:
    """What a function of NVML's returns; None where it fails."""
    try:
        return function(*arguments)
    except pynvml.NVMLError:
        return None
