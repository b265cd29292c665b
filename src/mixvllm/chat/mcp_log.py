"""What an MCP server writes to stderr: a file for each, private, of a bounded size."""

from __future__ import annotations

import fcntl
import os
import re
from itertools import count
from pathlib import Path

MOST_BYTES = 1024 * 1024
TAIL_BYTES = 4096
DROPPED = b"(what stood here was dropped: the file had become too large)\n"
STARTED_AGAIN = b"\n(the server was started again)\n"
NOT_OF_A_FILE = re.compile(r"[^a-zA-Z0-9_.-]")


class ServerLog:
    """The file of one server's stderr, begun anew; without a file where none can be written.

    Attributes:
        path: The file, or None.
    """

    def __init__(self, name: str, directory: Path) -> None:
        self._tail = b""
        self._size = 0
        self._descriptor: int | None = None
        self.path: Path | None = None
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._open(NOT_OF_A_FILE.sub("_", name).strip(".")[:100] or "_", directory)
        except OSError:
            self.path = None

    def _open(self, name: str, directory: Path) -> None:
        """Take the first file that no other chat has."""
        for number in count(1):
            path = directory / (f"{name}.log" if number == 1 else f"{name}-{number}.log")
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(path, flags, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                continue
            os.fchmod(descriptor, 0o600)
            os.ftruncate(descriptor, 0)
            self._descriptor, self.path = descriptor, path
            return

    def begin_again(self) -> None:
        """The server is started again: its last line is that of its new life."""
        if self._tail:
            self.write(STARTED_AGAIN)
        self._tail = b""

    def write(self, chunk: bytes) -> None:
        """Add what it wrote."""
        self._tail = (self._tail + chunk)[-TAIL_BYTES:]
        if self._descriptor is None:
            return
        try:
            if self._size + len(chunk) > MOST_BYTES:
                os.ftruncate(self._descriptor, 0)
                os.write(self._descriptor, DROPPED)
                self._size = 0
            os.write(self._descriptor, chunk)
            self._size += len(chunk)
        except OSError:  # the disk is full: the tail is kept all the same
            self.close()

    @property
    def last_line(self) -> str | None:
        """The last line that is not blank."""
        lines = self._tail.decode(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), None)

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
