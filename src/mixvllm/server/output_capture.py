"""Takes over the output of this process and of its children: a log file, and whoever reads lines.

vLLM, torch and crashing processes write to stdout and stderr from Python, from C++ and from other
processes; one pipe in place of both file descriptors catches all of it.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, TextIO

KEPT_LOGS = 20
KEPT_LINES = 200
LONGEST_LINE = 1 << 20

LineListener = Callable[[str], None]
Wording = Callable[[str], str]


@dataclass
class OutputCapture:
    """Output that goes to a file, and the terminal as it was before.

    Attributes:
        log: The file that everything goes to.
        stdout: The real stdout, for our own words.
        stderr: The real stderr, for our own words.
        echo: How the lines are worded on the real stderr; None keeps them from it.
        last_lines: The newest lines.
    """

    log: Path
    stdout: TextIO
    stderr: TextIO
    echo: Wording | None = None
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    _listeners: list[LineListener] = field(default_factory=list)

    def subscribe(self, listener: LineListener) -> None:
        """Call `listener` for every line, in the reading thread."""
        self._listeners.append(listener)

    def _drain(self, pipe: BinaryIO) -> None:
        with pipe, self.log.open("ab", buffering=0) as log:
            for line in _lines(pipe):
                # Whatever becomes of disk and terminal, the pipe must be read: writers of a full
                # one stand still.
                with suppress(OSError):
                    log.write(line + b"\n")
                text = line.decode("utf-8", "replace").rstrip()
                if not text:
                    continue
                self.last_lines.append(text)
                if self.echo is not None:
                    with suppress(OSError):
                        self.stderr.write(f"{self.echo(text)}\n")
                        self.stderr.flush()
                for listener in self._listeners:
                    listener(text)


def _lines(pipe: BinaryIO) -> Iterator[bytes]:
    """Split at line feeds and at the carriage returns of progress bars, as text arrives."""
    rest = b""
    while chunk := pipe.read(65536):
        *lines, rest = re.split(rb"[\r\n]", rest + chunk)
        yield from lines
        if len(rest) > LONGEST_LINE:
            yield rest
            rest = b""
    if rest:
        yield rest


def new_log_file(directory: Path, *, now: datetime, of_child: bool = False) -> Path:
    """Make the log file of a server, readable by this user alone, and remove the oldest ones.

    That of a child is for its words, beside the log that it makes for vLLM's; a program may start
    several.
    """
    directory.mkdir(parents=True, exist_ok=True)
    old = sorted(directory.glob("serve-*.log"))
    for path in old[: max(0, len(old) - KEPT_LOGS + 1)]:
        path.unlink(missing_ok=True)
    name = f"serve-{now:%Y%m%d-%H%M%S}-{os.getpid()}"
    if of_child:
        handle, made = tempfile.mkstemp(".log", f"{name}-", directory)
        os.close(handle)
        return Path(made)
    log = directory / f"{name}.log"
    log.touch(mode=0o600)
    return log


@contextmanager
def capture_output(log: Path, *, echo: Wording | None = None) -> Iterator[OutputCapture]:
    """Capture what this process and the children it starts from now on write.

    Args:
        log: The file that everything goes to.
        echo: How the lines are worded on the real stderr; None keeps them from it.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    real = [os.dup(1), os.dup(2)]
    reading, writing = os.pipe()
    os.dup2(writing, 1)
    os.dup2(writing, 2)
    os.close(writing)
    capture = OutputCapture(
        log,
        stdout=os.fdopen(os.dup(real[0]), "w", encoding="utf-8", errors="replace"),
        stderr=os.fdopen(os.dup(real[1]), "w", encoding="utf-8", errors="replace", buffering=1),
        echo=echo,
    )
    pipe = os.fdopen(reading, "rb", buffering=0)
    thread = threading.Thread(target=capture._drain, args=(pipe,), name="output", daemon=True)
    thread.start()
    try:
        yield capture
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(real[0], 1)
        os.dup2(real[1], 2)
        for descriptor in real:
            os.close(descriptor)
        # Children that are still ending hold the other end of the pipe open.
        thread.join(timeout=0.5)
        capture.stdout.flush()
        capture.stderr.flush()
