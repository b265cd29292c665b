"""Processes that look like vLLM's: real ones, with its titles and its family tree."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.gpus.a_server import ENGINE as ENGINE


@dataclass(frozen=True)
class Server:
    """A server and its engine."""

    process: subprocess.Popen[str]
    engine: int

    def die(self) -> None:
        """End as by `kill -9`: the engine stays."""
        self.process.kill()
        self.process.wait()


@contextmanager
def server(*words: str) -> Iterator[Server]:
    """A server whose command line ends in these words; it and its engine end with the block."""
    process = subprocess.Popen(
        [sys.executable, "a_server.py", *words],
        cwd=Path(__file__).parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    engine = int(process.stdout.readline())
    try:
        yield Server(process, engine)
    finally:
        with suppress(psutil.NoSuchProcess):
            psutil.Process(engine).kill()
        process.communicate()
