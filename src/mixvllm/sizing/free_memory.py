"""Whether the GPUs have free what vLLM takes of them, and who holds the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mixvllm.gpus.device import Gpu, GpuProcess
from mixvllm.settings.schema import InferenceConfig
from mixvllm.sizing.finding import UTILIZATION, Finding, gpus_wanted, in_gib
from mixvllm.sizing.present import PresentGpu, PresentGpus


def free_memory_findings(present: PresentGpus, asked: InferenceConfig) -> Iterator[Finding]:
    """What dead servers left on the GPUs, and GPUs with less free memory than vLLM asks for.

    vLLM refuses to start where less is free than its share of the whole memory
    (`request_memory` in vllm/v1/worker/utils.py). What a dead server left stays until somebody
    ends it; others may be ending by themselves, so for them it is a doubt.

    Args:
        present: The GPUs in vLLM's order, with their processes named.
        asked: What is asked of the engine.
    """
    used = present.gpus[: gpus_wanted(asked)]
    for gpu in used:
        if (finding := _short_of_memory(gpu, asked)) is not None:
            yield finding
        elif orphans := _orphans(gpu):
            yield Finding(
                (UTILIZATION,),
                f"GPU {gpu.device.index} still has what a dead server left: {_named(orphans)}",
                "warning",
                _way_to_end(orphans),
            )


def _short_of_memory(present: PresentGpu, asked: InferenceConfig) -> Finding | None:
    device, gpu = present.device, present.gpu
    free = device.memory_free_bytes
    if gpu is None or free is None:
        return None
    wanted = int(gpu.total_bytes * asked.gpu_memory_utilization)
    if free >= wanted:
        return None
    orphans, holders = _orphans(present), _processes(present)
    message = (
        f"GPU {device.index} has {in_gib(free)} free, and vLLM asks for {in_gib(wanted)} "
        f"({asked.gpu_memory_utilization:g} of {in_gib(gpu.total_bytes)})"
    )
    if orphans:
        message += f"; a dead server left {_named(orphans)}"
    elif holders:
        message += f"; in use by {_named(holders)}"
    share = int(free / gpu.total_bytes * 100) / 100
    advice = _way_to_end(orphans) if orphans else f"--gpu-memory-utilization {share:g} would do"
    return Finding((UTILIZATION,), message, "error" if orphans else "warning", advice)


def _processes(present: PresentGpu) -> tuple[GpuProcess, ...]:
    """The processes on a GPU; those on a slice of one are not told apart."""
    return present.device.processes if isinstance(present.device, Gpu) else ()


def _orphans(present: PresentGpu) -> list[GpuProcess]:
    return [process for process in _processes(present) if process.kind == "orphan"]


def _named(processes: Sequence[GpuProcess]) -> str:
    return ", ".join(
        f"process {process.pid}"
        + (f" ({process.name})" if process.name else "")
        + (f" with {in_gib(process.memory_bytes)}" if process.memory_bytes is not None else "")
        for process in processes
    )


def _way_to_end(processes: Sequence[GpuProcess]) -> str:
    return "end it: `kill -9 " + " ".join(str(process.pid) for process in processes) + "`"
