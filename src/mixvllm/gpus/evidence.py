"""Whether PyTorch may know of a GPU that NVML does not: importing it takes seconds."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from mixvllm.gpus.device import Failure

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


def built_for(version: str) -> frozenset[str]:
    """The vendors that a build of PyTorch serves, by its version; all that it may, where unsaid."""
    label = version.partition("+")[2]
    if label == "cpu":
        return frozenset()
    if label.startswith("cu"):
        return frozenset({"NVIDIA"})
    if label.startswith("rocm"):
        return frozenset({"AMD"})
    if label.startswith("xpu"):
        return frozenset({"Intel"})
    return frozenset({"NVIDIA", "AMD", "Intel"})


def torch_version() -> str | None:
    """The installed PyTorch, from its metadata."""
    from importlib import metadata  # costs more than all the rest here

    try:
        return metadata.version("torch")
    except metadata.PackageNotFoundError:
        return None


def no_use_asking_torch(nvml: Failure, root: Path = Path("/")) -> Failure | None:
    """Why PyTorch is not asked; None where it may know better.

    Args:
        nvml: Why NVML did not answer. Where it is there and fails, CUDA fails too.
        root: Where `dev` and `sys` lie.
    """
    nodes = device_nodes(root) if sys.platform == "linux" else Nodes(frozenset({"Apple"}))
    others = nodes.vendors if nvml.is_absent else nodes.vendors - {"NVIDIA"}
    if not others:
        if nvml.is_absent:
            return Failure("there is no device of a GPU here")
        return Failure("there is no device of another vendor")
    version = torch_version()
    if version is None:
        return Failure(f"there is a device of {nodes}, but no PyTorch to ask about it")
    if sys.platform == "linux" and not others & built_for(version):
        return Failure(f"there is a device of {nodes}, but PyTorch {version} is not built for it")
    return None
