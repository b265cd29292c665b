"""Whether PyTorch may know of a GPU that NVML does not: importing it takes seconds."""

from __future__ import annotations

import sys
from pathlib import Path

from mixvllm.gpus.device import Failure
from mixvllm.gpus.nodes import Nodes, device_nodes


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
