"""The processes that vLLM runs an engine in, and how they ended."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterable, Iterator
from typing import Any

import psutil

from mixvllm.vllm_internals.warm_processes import copies_beside


def core_processes(manager: Any, coordinator: Any) -> Iterator[Any]:
    """The engine cores and what coordinates several of them; none where Ray has them.

    Args:
        manager: vLLM's manager of engine cores, or None.
        coordinator: vLLM's coordinator of data parallel engines, or None.
    """
    yield from getattr(manager, "processes", ())
    if coordinator is not None:
        yield coordinator.proc


def pids_below(processes: Iterable[Any]) -> Iterator[int]:
    """The processes and everything below them, or copied for them; each once."""
    seen: set[int] = set()
    for process in processes:
        with contextlib.suppress(psutil.Error):
            core = psutil.Process(process.pid)
            for each in (core, *core.children(recursive=True), *copies_beside(core)):
                if each.pid not in seen:
                    seen.add(each.pid)
                    yield each.pid


def describe_end(processes: Iterable[Any]) -> str | None:
    """Which process ended, and by what."""
    for process in processes:
        if process.exitcode:
            return f"{process.name} (process {process.pid}) {_ended_by(process.exitcode)}"
    return None


def _ended_by(exit_code: int) -> str:
    """An exit code of `multiprocessing` in words: negative ones are signals."""
    if exit_code == -signal.SIGKILL:
        return "was killed (SIGKILL); the machine may have run out of memory"
    if exit_code < 0:
        return f"was ended by {signal.Signals(-exit_code).name}"
    return f"ended with status {exit_code}"
