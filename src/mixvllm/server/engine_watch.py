"""Sees that an engine is dead within a second, and in time that it no longer works."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence

import psutil

from mixvllm.server.engine import Engine

WATCH_INTERVAL_S = 0.1
PROBE_INTERVAL_S = 5.0
# The machine may have slept through the first one.
PROBES_IN_A_ROW = 2
# A debugger or a checkpoint may stop a process for a moment.
STOPPED_FOR_S = 5.0


class EngineWatch:
    """Watches one engine: its own word, its processes, and whether it answers.

    Attributes:
        is_hung: Whether it was found to be alive and not to work.
    """

    def __init__(self, engine: Engine, *, timeout_s: float) -> None:
        """Remember the processes that the engine has now.

        Args:
            engine: The engine, ready.
            timeout_s: Seconds without an answer after which it counts as wedged; 0 never asks.
        """
        self._engine = engine
        self._timeout_s = timeout_s
        self._processes = tuple(_existing([*engine.pids, *engine.worker_pids]))
        self._stopped_for_s = 0.0
        self.is_hung = False

    async def failure(self) -> str:
        """Wait until the engine has failed; how that was seen."""
        asking = asyncio.create_task(self._ask_until_silent())
        try:
            while not asking.done():
                if self._engine.errored:
                    return "it says that it is dead"
                if seen := self._look_at_processes():
                    return seen
                await asyncio.sleep(WATCH_INTERVAL_S)
            self.is_hung = True
            return asking.result()
        finally:
            asking.cancel()

    def kill_rest(self) -> None:
        """Kill what is left of its processes."""
        for process in self._processes:
            with contextlib.suppress(psutil.Error):
                process.kill()

    def _look_at_processes(self) -> str | None:
        states = {process.pid: _state(process) for process in self._processes}
        for pid, state in states.items():
            if state is None:
                return f"its process {pid} ended"
        stopped = [pid for pid, state in states.items() if state == psutil.STATUS_STOPPED]
        self._stopped_for_s = self._stopped_for_s + WATCH_INTERVAL_S if stopped else 0.0
        if self._stopped_for_s >= STOPPED_FOR_S:
            self.is_hung = True
            return f"its process {stopped[0]} is stopped (SIGSTOP) and does not go on"
        return None

    async def _ask_until_silent(self) -> str:
        silent = 0
        while silent < PROBES_IN_A_ROW:
            await asyncio.sleep(PROBE_INTERVAL_S)
            if not self._timeout_s:
                continue
            try:
                await asyncio.wait_for(self._engine.probe(), self._timeout_s / PROBES_IN_A_ROW)
                silent = 0
            except TimeoutError:
                silent += 1
            except Exception:  # a dead engine refuses: `errored` tells, and says it better
                await asyncio.sleep(WATCH_INTERVAL_S)
        return f"it has not answered for {self._timeout_s:g} s"


def _existing(pids: Sequence[int]) -> Iterator[psutil.Process]:
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            yield psutil.Process(pid)


def _state(process: psutil.Process) -> str | None:
    """What the process does; None when it has ended."""
    try:
        state = str(process.status())
    except psutil.Error:
        return None
    return None if state in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD) else state
