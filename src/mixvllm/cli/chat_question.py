"""The question of a one-shot chat: from the command line, from stdin, or from both."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence
from typing import IO

from mixvllm.errors import UsageError

FROM_STDIN = "-"
WAIT_S = 2.0


def question_from(words: Sequence[str], say: IO[str]) -> str | None:
    """What is asked: the words, then what stdin has; None where a person is to be asked.

    Stdin is read where it is a pipe or a file, or where one of the words is `-`.

    Raises:
        UsageError: there is no question, or stdin is no text.
    """
    asked = " ".join(word for word in words if word != FROM_STDIN)
    piped = _stdin_is_data()
    if FROM_STDIN not in words and not piped:
        if words and not asked.strip():
            raise UsageError("The question is empty.")
        if words:
            return asked
        if _stdin_is_terminal():
            return None
        raise UsageError(
            "There is no question, and no terminal to ask for one.",
            hint='Ask it: mixvllm chat "question", or through stdin.',
        )
    parts = [part for part in (asked, _read_stdin(say)) if part.strip()]
    if not parts:
        raise UsageError("The question is empty: nothing came on stdin.")
    return "\n\n".join(parts)


def _read_stdin(say: IO[str]) -> str:
    """All of stdin as text, without the end of its last line.

    Raises:
        UsageError: it is not UTF-8.
    """
    if sys.stdin is None:
        return ""
    _say_when_it_takes_long(say)
    data = sys.stdin.buffer.read()
    try:
        return data.decode("utf-8").rstrip("\n")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"What came on stdin is not UTF-8 text: byte 0x{data[error.start]:02x} "
            f"at offset {error.start}.",
            hint="Convert it first: iconv -f latin1 -t utf-8",
        ) from error


def _say_when_it_takes_long(say: IO[str]) -> None:
    """Tell whoever waits that stdin is read: a pipe that nobody closes looks like a slow server."""
    import select

    if not select.select([sys.stdin], [], [], WAIT_S)[0]:
        say.write("reading the question from stdin, to its end (Ctrl-D); `< /dev/null` for none\n")


def _stdin_is_data() -> bool:
    """Whether stdin is a pipe, a socket or a file, not a terminal or /dev/null."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError, AttributeError):  # closed (`<&-`), or none at all
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)


def _stdin_is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()
