"""No process of ours outlives us: children that watch their owner, and a last clean-up."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import NoReturn

import psutil

CHILD_MAIN = "mixvllm.server.child_main"
RESOURCE_TRACKER = "multiprocessing.resource_tracker"


def own_children_from_now_on() -> None:
    """Make every Python process that this one spawns end with it, whatever ends it.

    A spawned process imports the main module of its parent before anything else; in place of
    ours, the whole command line, it is shown the small module that watches the owner.
    """
    child_main = import_module(CHILD_MAIN)
    # Both ends stay open for life, and no child inherits them: the pipe ends with this process.
    reading, _ = os.pipe()
    os.environ[child_main.OWNER_PID] = str(os.getpid())
    os.environ[child_main.OWNER_PIPE] = str(reading)
    sys.modules["__main__"].__spec__ = child_main.__spec__


def kill_children() -> None:
    """Kill every process below this one, save Python's own cleaner of shared memory.

    That one ends by itself as soon as nobody is left to use what it guards.
    """
    for process in psutil.Process().children(recursive=True):
        try:
            if RESOURCE_TRACKER not in " ".join(process.cmdline()):
                process.kill()
        except psutil.Error:
            continue


def leave(status: int, *, clean_up: Callable[[], None] = lambda: None) -> NoReturn:
    """End this process and everything below it now.

    The interpreter's own way out waits for threads that cannot be stopped (an engine that is
    being built) and finalises vLLM's objects in an order that they do not expect.

    Args:
        status: The status to end with.
        clean_up: Called when everything below this process has been killed.
    """
    kill_children()
    clean_up()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)
