"""GPUs as PyTorch sees them (CUDA, ROCm, XPU, MPS), asked in a process of its own.

`python -m mixvllm.gpus.torch_cuda SECONDS` answers each line on stdin with a reading. To tell the
free memory PyTorch takes a context of its own, a few hundred MiB, for as long as this process
lives: "free" is what a program gets, as vLLM counts it too, and "used" is not known.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

from mixvllm.gpus.child import answer_requests
from mixvllm.gpus.device import Failure, Gpu, Reading


def read(request: str = "") -> Reading:
    """Everything that PyTorch tells, whatever the request."""
    del request
    try:
        import torch
    except Exception as error:  # a broken installation fails in any way
        words = str(error).strip().partition("\n")[0]
        return Reading(
            failure=Failure(f"PyTorch cannot be imported ({words})", "pip install --force torch")
        )
    for find in (_cuda, _xpu, _mps):
        if gpus := find(torch):
            return Reading(gpus, driver=None, cuda=getattr(torch.version, "cuda", None))
    return Reading(failure=Failure(f"PyTorch {torch.__version__} sees no GPU"))


def _cuda(torch: Any) -> tuple[Gpu, ...]:
    """CUDA's GPUs, and ROCm's, which go by that name too."""
    if not torch.cuda.is_available():
        return ()
    return tuple(_cuda_gpu(torch, index) for index in range(torch.cuda.device_count()))


def _cuda_gpu(torch: Any, index: int) -> Gpu:
    properties = torch.cuda.get_device_properties(index)
    free = None
    with suppress(RuntimeError):
        free, _ = torch.cuda.mem_get_info(index)
    uuid = getattr(properties, "uuid", None)
    architecture = getattr(properties, "gcnArchName", "").partition(":")[0]
    is_amd = getattr(torch.version, "hip", None) is not None
    return Gpu(
        index,
        uuid=None if uuid is None else f"GPU-{uuid}",
        name=properties.name,
        memory_total_bytes=properties.total_memory,
        memory_free_bytes=free,
        compute_capability=architecture if is_amd else f"{properties.major}.{properties.minor}",
        visible_as=index,
    )


def _xpu(torch: Any) -> tuple[Gpu, ...]:
    if not hasattr(torch, "xpu") or not torch.xpu.is_available():
        return ()
    found = ((i, torch.xpu.get_device_properties(i)) for i in range(torch.xpu.device_count()))
    return tuple(
        Gpu(index, name=each.name, memory_total_bytes=each.total_memory, visible_as=index)
        for index, each in found
    )


def _mps(torch: Any) -> tuple[Gpu, ...]:
    """Apple's GPU, which shares the memory of the machine: how much of it is its own is unsaid."""
    backends = getattr(torch, "backends", None)
    if backends is None or not hasattr(backends, "mps") or not backends.mps.is_available():
        return ()
    return (Gpu(0, name="Apple GPU (MPS)", visible_as=0),)


if __name__ == "__main__":
    answer_requests(read, limit_s=2 * float(sys.argv[1]))
