"""A process beside a chat: when the chat is gone, whatever ended it, its MCP servers end too.

The chat writes the process groups of its servers to this one's stdin. Polite servers end by
themselves when their own stdin closes; the rest is ended here. Everything this needs is in the
standard library: it runs as a script, with nothing else loaded.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Collection

# Together they are less than two seconds.
POLITE_S = 1.0
TERMINATED_S = 0.6
POLL_S = 0.02


def is_running(group: int) -> bool:
    """Whether a process of the group is there."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # on macOS: only zombies are left of it
        return False
    return True


def send(group: int, number: signal.Signals) -> None:
    """Send a signal to a whole group, if it is there."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def watch() -> None:
    """Read `+GROUP` and `-GROUP` until the chat is gone, then end the groups that are left."""
    groups: set[int] = set()
    for line in sys.stdin:
        change = groups.add if line[0] == "+" else groups.discard
        change(int(line[1:]))
    _wait(groups, POLITE_S)
    for number, seconds in ((signal.SIGTERM, TERMINATED_S), (signal.SIGKILL, 0.0)):
        for group in groups:
            send(group, number)
        _wait(groups, seconds)


def _wait(groups: Collection[int], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(is_running(group) for group in groups):
        time.sleep(POLL_S)


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    watch()
