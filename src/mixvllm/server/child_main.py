"""What a process spawned by the server imports as its main module: it ends when its owner does."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading

# Not `MIXVLLM_...`: those names are settings.
OWNER_PID = "_MIXVLLM_OWNER_PID"
OWNER_GONE = 70


def watch_owner() -> None:
    """Kill this process as soon as the one named in the environment is gone.

    Everything this needs is in the standard library: each child pays for it at its start.
    """
    owner = int(os.environ.get(OWNER_PID, "0"))
    if owner in (0, os.getpid()) or not hasattr(os, "pidfd_open"):
        return
    try:
        descriptor = os.pidfd_open(owner)
    except ProcessLookupError:
        os._exit(OWNER_GONE)
    threading.Thread(target=_wait, args=(descriptor,), name="owner", daemon=True).start()


def _wait(descriptor: int) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    poll.poll()
    os.kill(os.getpid(), signal.SIGKILL)


def leave_terminal() -> None:
    """Take this process out of reach of Ctrl-C: the owner ends it when the streams are through."""
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)


if __name__ == "__mp_main__":
    watch_owner()
    leave_terminal()
    # A forked child has neither the thread nor an import of its own.
    os.register_at_fork(after_in_child=watch_owner)
