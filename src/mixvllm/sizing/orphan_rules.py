"""Engines that dead servers left on GPUs with room beside them: they hold memory for nothing."""

from __future__ import annotations

from collections.abc import Iterator

from mixvllm.gpus.device import Gpu
from mixvllm.gpus.processes import with_processes_named
from mixvllm.sizing.finding import UTILIZATION, Case, Finding, gpus_wanted, in_gib


def orphan_findings(case: Case) -> Iterator[Finding]:
    """One finding for each GPU that vLLM would take and a dead server has left something on."""
    taken = [each for each in case.devices[: gpus_wanted(case.asked)] if isinstance(each, Gpu)]
    if not any(gpu.processes for gpu in taken):
        return
    for gpu in with_processes_named(taken, case.servers()):
        orphans = [process for process in gpu.processes if process.kind == "orphan"]
        if not orphans:
            continue
        named = ", ".join(
            f"process {each.pid} ({each.name}, {in_gib(each.memory_bytes or 0)})"
            for each in orphans
        )
        yield Finding(
            (UTILIZATION,),
            f"a dead server left {named} on GPU {gpu.index}",
            "warning",
            f"`kill {' '.join(str(each.pid) for each in orphans)}` ends it",
            code="orphan-on-gpu",
        )
