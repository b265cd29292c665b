"""What is typed while nobody asks for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def typing_unseen() -> Iterator[None]:
    """Do not echo what is typed while an answer is drawn; it is there when it is asked for."""
    import termios

    terminal = sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None
    if terminal is None:
        yield
        return
    before = termios.tcgetattr(terminal)
    unseen = before.copy()
    unseen[0] &= ~termios.ICRNL  # Enter stays Enter for who reads it then
    unseen[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSADRAIN, unseen)
    try:
        yield
    finally:
        with suppress(termios.error):  # the terminal may have gone
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def forget_typed() -> None:
    """Drop what was typed before it was asked for: a key hit by chance allows nothing."""
    import termios

    with suppress(termios.error, OSError, ValueError):
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
