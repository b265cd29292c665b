"""The memory of this machine that a process may take: the system's, or its control group's."""

from __future__ import annotations

from pathlib import Path

import psutil

from mixvllm.sizing.finding import MachineMemory

CONTROL_GROUP = Path("/sys/fs/cgroup")


def machine_memory(group: Path = CONTROL_GROUP) -> MachineMemory:
    """Read it; a container has what its control group allows."""
    system = psutil.virtual_memory()
    limit = _number(group / "memory.max")
    if limit is None or limit >= system.total:
        return MachineMemory(system.total, system.available)
    # Files that are only cached go when memory is needed.
    used = (_number(group / "memory.current") or 0) - _cached(group / "memory.stat")
    return MachineMemory(limit, min(system.available, max(0, limit - max(0, used))))


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _cached(file: Path) -> int:
    try:
        rows = dict(line.split() for line in file.read_text().splitlines())
        return int(rows["inactive_file"]) + int(rows["active_file"])
    except (OSError, ValueError, KeyError):
        return 0
