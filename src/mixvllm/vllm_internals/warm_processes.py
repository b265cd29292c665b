"""Processes of the engine that begin as a copy of one that has vLLM imported already.

Python's own fork server starts them; a spawned process would import everything anew. Loading this
module loads nothing of vLLM: each process that was started here loads it first.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from multiprocessing import popen_forkserver, popen_spawn_posix, spawn
from multiprocessing.context import BaseContext, ForkServerContext, ForkServerProcess
from typing import Any

import psutil

# Read when a library is loaded: in a copy they can no longer be changed.
# Not all of LD_ and TORCH: vLLM's imports set a library path and a cache directory.
READ_AT_LOAD = (
    "LD_PRELOAD",
    "OMP_",
    "GOMP_",
    "KMP_",
    "MKL_",
    "OPENBLAS_",
    "MALLOC_",
    "TORCHINDUCTOR_COMPILE",
    "TORCHINDUCTOR_CPP",
    "PYTHON",
)

# The modules of vLLM that start the engine's processes, with a `get_mp_context` of that name.
STARTERS = ("vllm.v1.engine.utils", "vllm.v1.executor.multiproc_executor")
# Tells the fork server what it is; not `MIXVLLM_...`: those names are settings.
WARM = "_MIXVLLM_WARM"

ContextMaker = Callable[[], BaseContext]


class WarmProcess(ForkServerProcess):
    """A process that is forked where the environment allows it, else spawned.

    Whichever it is, it has the environment of this process at that moment.
    """

    def __init__(self, expected: Mapping[str, str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._expected = expected

    def __reduce__(self) -> tuple[Any, ...]:
        """Write down what is needed to begin; the environment comes first."""
        state = {name: value for name, value in self.__dict__.items() if name != "_expected"}
        bound = "GOMP_CPU_AFFINITY" in os.environ
        cpus = None if bound else os.sched_getaffinity(0)
        return _begin, (type(self), dict(os.environ), cpus), state

    @staticmethod
    def _Popen(process_obj: Any) -> Any:
        # vLLM puts another executable here where it binds processes to memory nodes.
        own_python = os.fsdecode(spawn.get_executable()) == sys.executable
        if own_python and at_load(os.environ) == process_obj._expected:
            try:
                return popen_forkserver.Popen(process_obj)
            except (OSError, EOFError):
                pass  # the fork server has ended
        return popen_spawn_posix.Popen(process_obj)


class WarmContext(ForkServerContext):
    """A multiprocessing context whose processes are `WarmProcess`."""

    def __init__(self, expected: Mapping[str, str]) -> None:
        """Take what the fork server has.

        Args:
            expected: The variables of `READ_AT_LOAD` with which a copy is right.
        """
        super().__init__()
        self.Process = partial(WarmProcess, expected)  # type: ignore[misc, assignment]


def at_load(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that libraries read when they are loaded."""
    return {name: value for name, value in environ.items() if name.startswith(READ_AT_LOAD)}


def replace_spawn(context: WarmContext) -> None:
    """Have vLLM start the engine's processes in this context where it would spawn them."""
    for name in STARTERS:
        module: Any = importlib.import_module(name)
        if module.get_mp_context.__module__ != __name__:
            module.get_mp_context = in_place_of_spawn(module.get_mp_context, context)


def in_place_of_spawn(original: ContextMaker, context: WarmContext) -> ContextMaker:
    """A maker of contexts that gives ours where vLLM's would give `spawn`."""

    def get_mp_context() -> BaseContext:
        chosen = original()
        return context if chosen.get_start_method() == "spawn" else chosen

    return get_mp_context


def copies_beside(core: psutil.Process) -> Iterator[psutil.Process]:
    """What stems from the same fork server of ours: the workers are no children of a warm core."""
    server = core.parent()
    if server is not None and server.pid != os.getpid() and server.ppid() == os.getpid():
        yield from (copy for copy in server.children(recursive=True) if copy.pid != core.pid)


def _begin(
    kind: type[WarmProcess], environ: Mapping[str, str], cpus: set[int] | None
) -> WarmProcess:
    """The first thing that a new process does."""
    # Not cleared first: what sets the process's title looks for it beside the first variable.
    for name in os.environ.keys() - environ.keys():
        del os.environ[name]
    os.environ.update({n: value for n, value in environ.items() if os.environ.get(n) != value})
    if cpus is not None:  # the process that it is a copy of is bound to the worker's cores
        os.sched_setaffinity(0, cpus)
    return kind.__new__(kind)
