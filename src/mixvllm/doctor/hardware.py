"""The GPUs, what dead servers left on this machine, and the limits of the system."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator, Sequence
from pathlib import Path

from mixvllm.doctor.check import Check
from mixvllm.gpus.device import GpuProcess, Inventory
from mixvllm.sizes import GIB
from mixvllm.vllm_internals.installed import installed_engine

SHARED_MEMORY = Path("/dev/shm")
# Docker gives 64 MiB; the workers of tensor parallelism pass their tensors through it.
LEAST_SHARED_BYTES = 1 * GIB
# Each connection and each shard of a checkpoint takes one.
LEAST_OPEN_FILES = 4096


def gpu_checks(inventory: Inventory) -> Iterator[Check]:
    """What there is, and each GPU that is in trouble."""
    if not inventory.gpus:
        yield _without_gpus(inventory)
        return
    names = [gpu.name or "unknown" for gpu in inventory.gpus]
    counted = ", ".join(f"{names.count(name)} x {name}" for name in dict.fromkeys(names))
    driver = f"; driver {inventory.driver}" if inventory.driver else ""
    hidden = len(inventory.gpus) - len(inventory.usable)
    if not inventory.usable:
        message = f"{counted}{driver}; none is usable from here"
        yield Check("GPUs", "error", message, "mixvllm gpus")
    else:
        note = f"; {hidden} not usable from here" if hidden > 0 else ""
        yield Check("GPUs", "ok", f"{counted}{driver}{note}")
    for gpu in inventory.gpus:
        if gpu.error is not None:
            yield Check(f"GPU {gpu.index}", "error", gpu.error, "sudo dmesg | grep -i xid")


def _without_gpus(inventory: Inventory) -> Check:
    engine = installed_engine()
    broken = next((each for each in inventory.failures if each.fix is not None), None)
    reason = (inventory.reason or "none").removesuffix(".")
    if engine is not None and engine.build == "gpu":
        fix = broken.fix if broken is not None else "nvidia-smi"
        return Check("GPUs", "error", f"none, and this vLLM needs one: {reason}", fix)
    if broken is not None:
        return Check("GPUs", "warning", reason, broken.fix)
    return Check("GPUs", "ok", f"none: {reason}")


def leftover_check(orphans: Sequence[GpuProcess]) -> Check:
    """Engines and workers of vLLM whose server is dead: they hold memory until they are ended."""
    if not orphans:
        return Check("leftovers", "ok", "no process of a dead server")
    pids = " ".join(str(each.pid) for each in orphans)
    message = f"{len(orphans)} left by dead servers, which hold memory: {pids}"
    return Check("leftovers", "warning", message, f"kill {pids}")


def shared_memory_check(directory: Path = SHARED_MEMORY) -> Check:
    """Room for what the workers share."""
    try:
        found = os.statvfs(directory)
    except OSError:
        return Check("shared memory", "ok", f"no {directory} here")
    total = found.f_blocks * found.f_frsize
    told = f"{directory} has {total / GIB:.2f} GiB"
    if total >= LEAST_SHARED_BYTES:
        return Check("shared memory", "ok", told)
    message = f"{told}; workers of several GPUs need more"
    return Check("shared memory", "warning", message, "docker run --shm-size=8g ...")


def open_files_check(limits: tuple[int, int] | None = None) -> Check:
    """Enough files for connections and shards."""
    soft, hard = limits or resource.getrlimit(resource.RLIMIT_NOFILE)
    told = "unlimited" if soft == resource.RLIM_INFINITY else f"{soft:,}"
    if soft >= LEAST_OPEN_FILES or soft == resource.RLIM_INFINITY:
        return Check("open files", "ok", f"up to {told}")
    can_raise = hard == resource.RLIM_INFINITY or hard >= LEAST_OPEN_FILES
    fix = "ulimit -n 65536" if hard >= 65536 or hard < 0 else f"ulimit -n {hard}"
    if not can_raise:
        fix = "docker run --ulimit nofile=65536:65536 ..."
    return Check("open files", "warning", f"up to {told}: every connection takes one", fix)
