"""A command as one sees it: a terminal that draws what is written, and remembers what scrolled."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import pyte

from mixvllm.cli.chat_input import PROMPT
from tests.cli.terminal import PATIENCE_S, Terminal, running

SCROLLBACK = 10_000
ENTER, ALT_ENTER, CTRL_D, CTRL_U, TAB = "\r", "\x1b\r", "\x04", "\x15", "\t"
UP = "\x1b[A"


class Screen(Terminal):
    """A terminal with a screen of its own."""

    def __init__(self, process: subprocess.Popen[bytes], side: int, size: tuple[int, int]) -> None:
        super().__init__(process, side)
        self._drawn = cast("Any", pyte.HistoryScreen(*size, history=SCROLLBACK, ratio=0.5))
        # Programs ask where the cursor is, and wait for the answer.
        self._drawn.write_process_input = self.type
        self._stream = pyte.ByteStream(self._drawn)

    @property
    def lines(self) -> list[str]:
        """All lines, scrolled ones first, without trailing blanks."""
        columns = range(self._drawn.columns)
        scrolled = ["".join(line[x].data for x in columns) for line in self._drawn.history.top]
        lines = [line.rstrip() for line in [*scrolled, *self._drawn.display]]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    @property
    def text(self) -> str:
        """The same as one text."""
        return "\n".join(self.lines)

    @property
    def shows_cursor(self) -> bool:
        return not self._drawn.cursor.hidden

    def see(self, text: str, times: int = 1) -> None:
        """Read until the text is to be seen so often."""
        self._read_until(lambda: self.text.count(text) >= times)

    def is_asked(self) -> None:
        """Read until the cursor stands behind a prompt."""
        drawn = self._drawn
        self._read_until(lambda: drawn.display[drawn.cursor.y].startswith(PROMPT))

    def say(self, text: str) -> None:
        """Type a line when it is asked for."""
        self.is_asked()
        self.type(text + ENTER)

    def _read_until(self, holds: Callable[[], bool]) -> None:
        until = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < until, self.text
            assert self._read(), self.text

    def _read(self) -> bool:
        seen = len(self.written)
        is_open = super()._read()
        self._stream.feed(self.written[seen:])
        return is_open


@contextmanager
def screen(
    words: Sequence[str],
    environment: Mapping[str, str],
    *,
    columns: int = 80,
    rows: int = 24,
    term: str = "xterm-256color",
) -> Iterator[Screen]:
    """`mixvllm` on a screen; it is ended with the block."""
    kind = partial(Screen, size=(columns, rows))
    with running(kind, words, environment, columns=columns, rows=rows, term=term) as shown:
        yield shown
