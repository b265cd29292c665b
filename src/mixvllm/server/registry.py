"""The servers that run on this machine: one small file each, in the runtime directory."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import psutil

from mixvllm.directories import runtime_directory, runtime_variable
from mixvllm.errors import writing_to
from mixvllm.server.lifecycle import Phase

# Clock ticks make the start time of one process read slightly differently.
START_TOLERANCE_S = 2.0


@dataclass(frozen=True)
class RunningServer:
    """One server.

    Attributes:
        pid: Its process.
        process_started_at: When the process began, against reuse of the pid (seconds, epoch).
        host: The address it listens on.
        port: The port it listens on.
        url: Where it answers on this machine.
        model: The name that requests use.
        phase: What it is doing.
        started_at: When `serve` was called (seconds, epoch).
        log: The file with everything that vLLM prints.
    """

    pid: int
    process_started_at: float
    host: str
    port: int
    url: str
    model: str
    phase: str
    started_at: float
    log: str | None = None

    @property
    def is_alive(self) -> bool:
        """Whether the process that wrote the entry still runs."""
        try:
            process = psutil.Process(self.pid)
            began = process.create_time()
        except psutil.Error:
            return False
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return abs(began - self.process_started_at) < START_TOLERANCE_S


class RegistryEntry:
    """The file of this server, kept up to date while it runs."""

    def __init__(self, server: RunningServer, directory: Path | None = None) -> None:
        self.server = server
        directory = directory or runtime_directory()
        self.path = directory / f"{server.pid}-{server.port}.json"
        with writing_to(directory, runtime_variable()):
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            directory.chmod(0o700)
            self._write()

    def phase(self, phase: Phase) -> None:
        """Write down a new phase."""
        if phase != self.server.phase:
            self.server = replace(self.server, phase=str(phase))
            self._write()

    def remove(self) -> None:
        """Take the file away: the server has ended."""
        self.path.unlink(missing_ok=True)

    def _write(self) -> None:
        unfinished = self.path.with_suffix(".tmp")
        unfinished.write_text(json.dumps(asdict(self.server)), encoding="utf-8")
        os.replace(unfinished, self.path)


def running_servers(directory: Path | None = None) -> list[RunningServer]:
    """The servers that run, by port; entries of dead ones are removed."""
    return sorted(_living(directory or runtime_directory()), key=lambda server: server.port)


def process_start(pid: int) -> float:
    """When a process began (seconds, epoch)."""
    return psutil.Process(pid).create_time()


def _living(directory: Path) -> Iterator[RunningServer]:
    for path in directory.glob("*.json"):
        try:
            server = _read(path)
        except FileNotFoundError:
            continue
        except (OSError, ValueError, TypeError):
            server = None
        if server is not None and server.is_alive:
            yield server
        else:
            with suppress(OSError):
                path.unlink()


def _read(path: Path) -> RunningServer:
    """The entry in a file; what a newer version adds to one is left aside.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no JSON, or names no process.
        TypeError: it is no entry.
    """
    data = json.loads(path.read_text(encoding="utf-8"))
    names = {field.name for field in fields(RunningServer)}
    server = RunningServer(**{name: data[name] for name in names.intersection(data)})
    numbers = (server.pid, server.port, server.process_started_at)
    if not all(isinstance(number, int | float) for number in numbers):
        raise TypeError(numbers)
    if server.pid <= 0:
        raise ValueError(server.pid)
    return server
