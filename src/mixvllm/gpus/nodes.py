"""The devices of GPUs that programs can open here: what may be asked at next to no cost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

INTEL = "0x8086"
# The CUDA devices of a container without NVIDIA's tools, of a Jetson, and of WSL.
NVIDIA_NODES = ("dev/nvidiactl", "dev/nvhost-gpu", "dev/dxg")
AMD_NODES = ("dev/kfd", "dev/dxg")


@dataclass(frozen=True)
class Nodes:
    """The vendors for which this machine has a device that a program can open."""

    vendors: frozenset[str]

    def __str__(self) -> str:
        return " and ".join(sorted(self.vendors))


def device_nodes(root: Path = Path("/")) -> Nodes:
    """Look for devices, as Linux shows them."""
    found = set()
    if any((root / node).exists() for node in NVIDIA_NODES):
        found.add("NVIDIA")
    if any((root / node).exists() for node in AMD_NODES):
        found.add("AMD")
    for node in (root / "dev/dri").glob("renderD*"):
        vendor = root / "sys/class/drm" / node.name / "device/vendor"
        if vendor.is_file() and vendor.read_text().strip() == INTEL:
            found.add("Intel")
    return Nodes(frozenset(found))
