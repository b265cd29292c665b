"""A command in a terminal of its own: a real pseudo-terminal, read as the user would see it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TypeVar

PATIENCE_S = 60


class Terminal:
    """A running command, and everything that it wrote so far."""

    def __init__(self, process: subprocess.Popen[bytes], screen: int) -> None:
        self.process = process
        self.written = b""
        self._screen = screen

    def wait_for(self, text: str, times: int = 1) -> None:
        """Read until the text was written so often."""
        until = time.monotonic() + PATIENCE_S
        while self.written.count(text.encode()) < times:
            assert time.monotonic() < until, self.written.decode()
            assert self._read(), self.written.decode()

    def press_ctrl_c(self) -> None:
        """What the terminal's own line discipline makes a signal of."""
        self.type("\x03")

    def type(self, keys: str) -> None:
        """What a keyboard sends."""
        os.write(self._screen, keys.encode())

    def terminate(self) -> None:
        """What `kill` sends."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Read to the end, and tell the exit code."""
        while self._read():
            pass
        return self.process.wait(PATIENCE_S)

    def _read(self) -> bool:
        with suppress(OSError):  # Linux's way to say that the other side is closed
            if select.select([self._screen], [], [], PATIENCE_S)[0]:
                data = os.read(self._screen, 1 << 16)
                self.written += data
                return bool(data)
        return False


T = TypeVar("T", bound=Terminal)


@contextmanager
def terminal(
    words: Sequence[str], environment: dict[str, str], *, columns: int = 80, rows: int = 24
) -> Iterator[Terminal]:
    """`mixvllm` in a terminal of this size; it is ended with the block."""
    with running(Terminal, words, environment, columns=columns, rows=rows) as shown:
        yield shown


@contextmanager
def running(
    kind: Callable[[subprocess.Popen[bytes], int], T],
    words: Sequence[str],
    environment: Mapping[str, str],
    *,
    columns: int = 80,
    rows: int = 24,
    term: str = "xterm-256color",
) -> Iterator[T]:
    """The same, seen in a way of one's own."""
    screen, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    size = {"COLUMNS", "LINES"}
    known = {name: value for name, value in environment.items() if name not in size}
    process = subprocess.Popen(
        [sys.executable, "-m", "mixvllm", *words],
        stdin=inside,
        stdout=inside,
        stderr=inside,
        env=known | {"TERM": term},
        preexec_fn=lambda: _take_terminal(inside),
    )
    os.close(inside)
    try:
        yield kind(process, screen)
    finally:
        process.kill()
        process.wait()
        os.close(screen)


def _take_terminal(inside: int) -> None:
    os.setsid()
    fcntl.ioctl(inside, termios.TIOCSCTTY, 0)
