"""Servers as real processes: start one, wait for a phase, see that nothing is left."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class ServerProcess:
    """A server that runs in a process of its own."""

    process: subprocess.Popen[str]
    port: int
    started_at: float
    errors: Path
    key: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def said(self) -> str:
        """What it wrote to stderr."""
        return self.errors.read_text(encoding="utf-8")

    def status(self) -> dict[str, Any] | None:
        """Its status, or None while it cannot be had."""
        try:
            status: dict[str, Any] = httpx.get(
                f"{self.url}/status", timeout=5, headers={"x-api-key": self.key}
            ).json()
        except httpx.TransportError:
            return None
        return status

    def wait_until(
        self, holds: Callable[[dict[str, Any]], bool], *, within_s: float
    ) -> dict[str, Any]:
        """Poll the status until something holds."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            status = self.status()
            if status is not None and holds(status):
                return status
            assert self.process.poll() is None, self.said
            pause()
        raise AssertionError(f"not within {within_s} s: {self.status()}\n{self.said}")

    def wait_for_phase(self, phase: str, *, within_s: float) -> dict[str, Any]:
        return self.wait_until(lambda status: status["phase"] == phase, within_s=within_s)

    def family(self) -> list[psutil.Process]:
        """The process and everything below it."""
        owner = psutil.Process(self.process.pid)
        return [owner, *owner.children(recursive=True)]

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


@contextmanager
def server_process(
    command: list[str], directory: Path, environment: Mapping[str, str] | None = None
) -> Iterator[ServerProcess]:
    """Run `python COMMAND --port PORT`; it and its children are gone afterwards."""
    port = free_port()
    errors = directory / f"stderr-{port}"
    started_at = time.monotonic()
    with errors.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, *command, "--port", str(port)],
            cwd=ROOT,
            env={**os.environ, **(environment or {}), "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            text=True,
        )
        family: list[psutil.Process] = []
        try:
            key = (environment or {}).get("MIXVLLM_SERVER__API_KEY", "")
            yield ServerProcess(process, port, started_at, errors, key)
        finally:
            if process.poll() is None:
                family = psutil.Process(process.pid).children(recursive=True)
                process.terminate()
            process.wait(30)
            for child in family:
                if child.is_running():
                    child.kill()


def pause() -> None:
    """Between two looks: polling without a pause would take the engine's CPU away."""
    time.sleep(0.05)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def still_running(family: list[psutil.Process], *, within_s: float) -> list[psutil.Process]:
    """Which of the processes have not ended in time."""
    _, alive = psutil.wait_procs(family, timeout=within_s)
    return [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
