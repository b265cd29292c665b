"""What a process spawned by the server imports as its main module: it ends when its owner does."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import threading

# Not `MIXVLLM_...`: those names are settings.
OWNER_PID = "_MIXVLLM_OWNER_PID"
OWNER_PIPE = "_MIXVLLM_OWNER_PIPE"
OWNER_GONE = 70


def watch_owner() -> None:
    """Kill this process as soon as the one named in the environment is gone.

    Everything this needs is in the standard library: each child pays for it at its start.
    """
    owner = int(os.environ.get(OWNER_PID, "0"))
    if owner in (0, os.getpid()):
        return
    try:
        have_the_kernel_watch(owner, int(os.environ[OWNER_PIPE]))
    except (OSError, KeyError, ValueError, AttributeError):
        watch_in_a_thread(owner)


def have_the_kernel_watch(owner: int, pipe: int) -> None:
    """Have the kernel kill this process when nobody writes to the owner's pipe any more.

    It does so where a thread could not: in a process that is stopped, or stuck in C with the
    interpreter's lock.

    Args:
        owner: The process that alone has the pipe's writing end.
        pipe: Its descriptor of the reading end.

    Raises:
        OSError: the pipe cannot be opened; the owner may be gone.
        AttributeError: this is no Linux.
    """
    descriptor = os.open(f"/proc/{owner}/fd/{pipe}", os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(descriptor, _F_SETSIG, signal.SIGKILL)
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_ASYNC)
    poll = select.poll()
    poll.register(descriptor, 0)
    if poll.poll(0):  # the end came before the kernel was asked
        os._exit(OWNER_GONE)


# Python 3.11 and 3.12 have no name for it; this is the number of every Linux.
_F_SETSIG = 10


def watch_in_a_thread(owner: int) -> None:
    """Wait for the end of the owner in a thread, where the kernel cannot be had to."""
    if not hasattr(os, "pidfd_open"):
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
