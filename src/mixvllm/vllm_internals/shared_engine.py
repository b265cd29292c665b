"""One engine for several API processes, made with vLLM's own helpers as `vllm serve` makes it."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from argparse import Namespace
from collections.abc import Callable, Iterator, MutableMapping, MutableSequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from mixvllm.vllm_internals import symbols
from mixvllm.vllm_internals.adapter import import_parser_plugins
from mixvllm.vllm_internals.engine_processes import core_processes, describe_end, pids_below
from mixvllm.vllm_internals.vllm_engine import VllmEngine, connect_engine, described_engine

METRICS_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"


@dataclass(frozen=True)
class EngineAccess:
    """What an API process needs to reach the engine.

    Attributes:
        args: vLLM's own reading of its arguments.
        client: vLLM's description of this process's place.
        place: Which of the API processes this is.
        loads: How many connections each of them has, in memory that they share.
    """

    args: Namespace
    client: dict[str, Any]
    place: int
    loads: MutableSequence[int] | None

    def connect(self) -> VllmEngine:
        """Reach the engine; blocks until it is ready."""
        import_parser_plugins(self.args)
        symbols.CONFIGURE_LOGGING.load()(self.args)
        symbols.SET_ULIMIT.load()()
        return connect_engine(self.args, self.client)


def launch_shared_engine(
    arguments: list[str], count: int, work: Callable[[EngineAccess], None]
) -> SharedEngine:
    """Start an engine and its API processes; blocks until the engine is ready.

    Args:
        arguments: The arguments of vLLM's API server.
        count: How many API processes.
        work: What each of them does; it must stand being pickled.

    Raises:
        SettingsError: vLLM does not take the arguments.
        InstallationError: this vLLM is not one that mixvllm knows.
        Exception: whatever vLLM raises; the cause may stand only in its output.
    """
    args, engine_args, config = described_engine(arguments, api_processes=count, place=-1)
    listeners = symbols.BIND_ENGINE_LISTENERS.load()(config, count)
    engine = SharedEngine(listeners)
    launching = symbols.LAUNCH_CORE_ENGINES.load()(
        config,
        symbols.EXECUTOR_CLASS.load()(config),
        not engine_args.disable_log_stats,
        listeners.addresses,
    )
    try:
        with _metrics_of_all(os.environ, engine.metrics_directory), launching as launch:
            engine.cores, engine.coordinator = launch.engine_manager, launch.coordinator
            coordinator = launch.coordinator
            engine.workers = symbols.API_PROCESSES.load()(
                listen_address="",
                sock=None,
                args=args,
                num_servers=count,
                input_listeners=listeners.inputs,
                output_listeners=listeners.outputs,
                target_server_fn=partial(_enter, work),
                stats_update_address=coordinator and coordinator.get_stats_publish_address(),
                tensor_queue=launch.tensor_queue,
            )
            launch.watched_frontend_processes = engine.workers.processes
    except BaseException:
        engine.shutdown(0)
        raise
    return engine


class SharedEngine:
    """The processes of an engine and of the API in front of it."""

    def __init__(self, listeners: Any) -> None:
        """Begin without a process.

        Args:
            listeners: vLLM's sockets. They take their files away when they are collected, and an
                engine that has not connected by then never will.
        """
        self._listeners = listeners
        self.workers: Any = None
        self.cores: Any = None
        self.coordinator: Any = None
        # Beside the sockets of this server: whoever removes what it left finds both.
        beside = os.environ.get("VLLM_RPC_BASE_PATH")
        self.metrics_directory = tempfile.mkdtemp(prefix="metrics-", dir=beside)

    @property
    def pids(self) -> tuple[int, ...]:
        """The engine cores, what coordinates them, and their workers."""
        return tuple(pids_below(core_processes(self.cores, self.coordinator)))

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """The API processes."""
        return tuple(process.pid for process in self._api_processes)

    @property
    def sentinels(self) -> list[Any]:
        """What becomes readable when one of the processes ends."""
        return [process.sentinel for process in self._processes]

    @property
    def _api_processes(self) -> list[Any]:
        return list(self.workers.processes) if self.workers is not None else []

    @property
    def _processes(self) -> list[Any]:
        return [*core_processes(self.cores, self.coordinator), *self._api_processes]

    def describe_death(self) -> str | None:
        """Which process ended, and by what."""
        return describe_end(self._processes)

    def shutdown(self, timeout_s: float) -> None:
        """End all processes."""
        for part in (self.workers, self.cores, self.coordinator):
            if part is not None:
                part.shutdown(timeout=timeout_s)
        shutil.rmtree(self.metrics_directory, ignore_errors=True)


@contextmanager
def _metrics_of_all(environ: MutableMapping[str, str], directory: str) -> Iterator[None]:
    """Let the processes that are started meanwhile count into one directory.

    Prometheus' library sums over the files in it. Counts of dead ones would stay, so each set of
    processes has a directory of its own.
    """
    before = environ.get(METRICS_DIRECTORY)
    environ[METRICS_DIRECTORY] = directory
    try:
        yield
    finally:
        if before is None:
            del environ[METRICS_DIRECTORY]
        else:
            environ[METRICS_DIRECTORY] = before


def _enter(
    work: Callable[[EngineAccess], None],
    _address: str,
    _sock: socket.socket | None,
    args: Namespace,
    client: dict[str, Any],
) -> None:
    """Begin an API process; vLLM chooses the arguments."""
    client = dict(client)
    loads = client.pop("api_server_loads", None)
    work(EngineAccess(args, client, client["client_index"], loads))
