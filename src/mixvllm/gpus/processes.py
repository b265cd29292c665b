"""Whose a process on a GPU is, and whether it is vLLM's, ours, or left by a dead server."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mixvllm.gpus.device import Gpu, GpuProcess, ProcessKind
from mixvllm.secret_names import command_in_words

if TYPE_CHECKING:
    import psutil

# vLLM names its engine and its workers so: `VLLM::EngineCore`, `VLLM::Worker_TP0`.
ENGINE_TITLE = "VLLM::"
# Who takes in the children of a dead process.
REAPERS = ("systemd", "init", "launchd", "tini", "dumb-init", "docker-init", "catatonit")
FIRST_PID = 1


def with_processes_named(gpus: Sequence[Gpu], servers: Collection[int]) -> tuple[Gpu, ...]:
    """The GPUs, with what this machine tells of the processes on them.

    Args:
        gpus: As the driver tells of them.
        servers: The processes of the running servers of mixvllm.
    """
    pids = {process.pid for gpu in gpus for process in gpu.processes}
    known = {pid: described(pid, servers) for pid in pids}
    return tuple(
        replace(
            gpu,
            processes=tuple(
                replace(known[each.pid], memory_bytes=each.memory_bytes) for each in gpu.processes
            ),
        )
        for gpu in gpus
    )


def orphans(servers: Collection[int]) -> tuple[GpuProcess, ...]:
    """The engines and workers of this machine whose server is dead, on a GPU or not."""
    import psutil

    engines = [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if _is_engine(process.info["cmdline"] or ())
    ]
    found = (described(pid, servers) for pid in engines)
    return tuple(process for process in found if process.kind == "orphan")


def described(pid: int, servers: Collection[int]) -> GpuProcess:
    """A process, as far as this user may see it."""
    import psutil

    try:
        process = psutil.Process(pid)
        line = [process, *process.parents()]
        commands = [_command(each) for each in line]
        return GpuProcess(
            pid,
            name=_name(process, commands[0]),
            user=_user(process),
            command=command_in_words(commands[0]) or None,
            kind=_kind(line, commands, servers),
        )
    except (psutil.Error, OSError):
        return GpuProcess(pid)


def _command(process: psutil.Process) -> list[str]:
    import psutil

    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _name(process: psutil.Process, command: Sequence[str]) -> str:
    """The title that vLLM gives a process: the kernel's name of it is cut at 15 letters."""
    return command[0] if command and command[0].startswith(ENGINE_TITLE) else process.name()


def _user(process: psutil.Process) -> str | None:
    import psutil

    try:
        return process.username()
    except (psutil.Error, KeyError):
        return None


def _kind(
    line: Sequence[psutil.Process], commands: Sequence[Sequence[str]], servers: Collection[int]
) -> ProcessKind:
    """What a process is, by those that it descends from, itself first."""
    if any(process.pid in servers for process in line):
        return "mixvllm"
    engines = [_is_engine(command) for command in commands]
    if engines[0] and _is_left_behind(line, commands, engines):
        return "orphan"
    if any(_runs("mixvllm", command) for command in commands):
        return "mixvllm"
    return "vllm" if engines[0] or any(_runs("vllm", each) for each in commands) else "other"


def _is_engine(command: Sequence[str]) -> bool:
    return bool(command) and command[0].startswith(ENGINE_TITLE)


def _is_left_behind(
    line: Sequence[psutil.Process], commands: Sequence[Sequence[str]], engines: Sequence[bool]
) -> bool:
    """Whether an engine's parent is none by birth, but who takes in what a dead process leaves.

    An engine is born of a Python program, in its session; the first process of a container may
    be that program.
    """
    if False not in engines:
        return True
    owner = engines.index(False)
    process, command = line[owner], commands[owner]
    is_python = bool(command) and "python" in os.path.basename(command[0])
    if is_python or _runs("vllm", command) or _runs("mixvllm", command):
        return False
    takes_in = process.pid == FIRST_PID or process.name() in REAPERS
    return takes_in or os.getsid(process.pid) != os.getsid(line[owner - 1].pid)


def _runs(program: str, command: Sequence[str]) -> bool:
    """Whether a command line is of a program, started by its name or as a module."""
    for before, word in zip(("", *command), command, strict=False):
        if before == "-m" and word.partition(".")[0] == program:
            return True
        if os.path.basename(word) == program and before in ("", command[0]):
            return True
    return False
