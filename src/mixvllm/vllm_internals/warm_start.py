"""Starts the process that imports vLLM ahead, while this one imports it too."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import forkserver

from mixvllm.settings.schema import ServeConfig
from mixvllm.vllm_internals.cpu_environment import expected_binding, expected_environment
from mixvllm.vllm_internals.installed import InstalledEngine
from mixvllm.vllm_internals.warm_processes import WARM, WarmContext, at_load

IMPORTS = "mixvllm.vllm_internals.warm_imports"


def start_warm(
    settings: ServeConfig, installed: InstalledEngine, environ: Mapping[str, str]
) -> WarmContext | None:
    """Start the process from which the engine's are copied; returns at once.

    Call it in the main thread: the process ends with the thread that started it.

    Args:
        settings: The settings.
        installed: The vLLM that is installed.
        environ: The environment that vLLM will be given.

    Returns:
        What the engine is to start its processes with; None where vLLM's own way is kept.
    """
    if not may_start_warm(settings, installed):
        return None
    environ = {**environ, **expected_environment(environ)}
    expected = at_load(environ)
    # The engine's own process is not bound to cores: its copy is set free when it begins.
    start_fork_server(environ | expected_binding(environ) | {WARM: "1"}, IMPORTS)
    return WarmContext(expected)


def may_start_warm(settings: ServeConfig, installed: InstalledEngine) -> bool:
    """Whether it is known to be safe: one engine of the CPU build on this machine.

    On GPUs a copy must never have touched a driver, and nothing here has tried that.
    """
    return (
        settings.server.warm_start == "auto"
        and installed.build == "cpu"
        and sys.platform == "linux"
        and settings.server.workers == 1
        and settings.inference.distributed_executor_backend != "ray"
    )


def start_fork_server(environ: Mapping[str, str], module: str) -> None:
    """Start Python's fork server, which imports a module with this environment."""
    forkserver.set_forkserver_preload([module])
    with in_place_of(os.environ, environ):
        forkserver.ensure_running()


@contextmanager
def in_place_of(environ: os._Environ[str], other: Mapping[str, str]) -> Iterator[None]:
    """Give a process that is started meanwhile another environment."""
    before = dict(environ)
    environ.update(other)
    try:
        yield
    finally:
        for name in other.keys() - before.keys():
            del environ[name]
        environ.update(before)
