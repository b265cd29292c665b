"""Loaded by the fork server: imports what the engine's processes import, and leaves the rest."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import os
import signal
from multiprocessing import forkserver

from mixvllm.vllm_internals.warm_processes import WARM, WarmContext, at_load, replace_spawn

MODULES = (
    "vllm.v1.engine.core",
    "vllm.v1.executor.multiproc_executor",
    "vllm.v1.worker.cpu_worker",
)
SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


def end_with_parent() -> None:
    """Be killed when the process that started this one ends; its copies watch on their own.

    No thread watches here: only a process with one thread is copied safely.
    """
    parent = os.getppid()
    ctypes.CDLL(None).prctl(SET_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def prepare() -> None:
    """Import, and have the copies start their own processes here as well."""
    end_with_parent()
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)  # Ctrl-C is the parent's business
    for module in MODULES:
        importlib.import_module(module)
    replace_spawn(WarmContext(at_load(os.environ)))
    # A copy knows where this server listens, and Python would still start another one.
    forkserver._forkserver.ensure_running = lambda: None  # type: ignore[method-assign]
    gc.collect()
    gc.freeze()  # a collection in a copy would write to every page that it shares


if os.environ.pop(WARM, None):
    prepare()
