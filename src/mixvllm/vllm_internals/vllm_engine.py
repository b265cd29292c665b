"""vLLM's engine in this process and vLLM's HTTP app for it, made as `vllm serve` makes them."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from argparse import Namespace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import psutil

from mixvllm.vllm_internals import symbols
from mixvllm.vllm_internals.adapter import parse_arguments
from mixvllm.vllm_internals.facts import EngineFacts
from mixvllm.vllm_internals.warm_processes import WarmContext, copies_beside, replace_spawn

if TYPE_CHECKING:
    from fastapi import FastAPI


def build_engine(arguments: list[str], warm: WarmContext | None = None) -> VllmEngine:
    """Load the engine that the arguments describe; blocks.

    Args:
        arguments: The arguments of vLLM's API server.
        warm: What its processes are started with; None leaves that to vLLM.

    Raises:
        SettingsError: vLLM does not take the arguments.
        InstallationError: this vLLM is not one that mixvllm knows.
        Exception: whatever vLLM raises; the cause may stand only in its output.
    """
    symbols.check_symbols()
    if warm is not None:
        replace_spawn(warm)
    args = parse_arguments(arguments)
    symbols.CONFIGURE_LOGGING.load()(args)
    symbols.SET_ULIMIT.load()()
    engine_args = symbols.FROM_CLI_ARGS.load()(args)
    symbols.PROPAGATE_LATE_INTERACTION.load()(args, engine_args)
    usage_context = symbols.USAGE_CONTEXT.load()
    config = engine_args.create_engine_config(usage_context=usage_context)
    llm = symbols.FROM_VLLM_CONFIG.load()(
        vllm_config=config,
        usage_context=usage_context,
        enable_log_requests=engine_args.enable_log_requests,
        aggregate_engine_logging=engine_args.aggregate_engine_logging,
        disable_log_stats=engine_args.disable_log_stats,
    )
    return VllmEngine(llm, args)


class VllmEngine:
    """An `AsyncLLM` with its app."""

    def __init__(self, llm: Any, args: Namespace) -> None:
        self._llm = llm
        self._args = args
        self._app: FastAPI | None = None
        self._stats: asyncio.Task[None] | None = None

    @property
    def facts(self) -> EngineFacts:
        """What vLLM worked out while loading."""
        config = self._llm.vllm_config
        cache = config.cache_config
        return EngineFacts(
            max_model_len=config.model_config.max_model_len,
            kv_cache_tokens=getattr(cache, "kv_cache_size_tokens", None),
            kv_cache_max_concurrency=getattr(cache, "kv_cache_max_concurrency", None),
        )

    @property
    def pids(self) -> tuple[int, ...]:
        """The engine core processes and their workers; none of ours where Ray has them."""
        manager = self._llm.engine_core.resources.engine_manager
        found: list[int] = []
        for process in getattr(manager, "processes", ()):
            with contextlib.suppress(psutil.Error):
                core = psutil.Process(process.pid)
                found += [core.pid, *(child.pid for child in core.children(recursive=True))]
                found += [copy.pid for copy in copies_beside(core)]
        return tuple(dict.fromkeys(found))

    @property
    def errored(self) -> bool:
        """Whether the engine is dead, as vLLM knows it or as its app wanted to exit for it."""
        wanted_exit = self._app is not None and self._app.state.server.should_exit
        return bool(self._llm.errored or wanted_exit)

    def describe_death(self) -> str | None:
        """Which process ended, and by what."""
        manager = self._llm.engine_core.resources.engine_manager
        for process in getattr(manager, "processes", ()):
            if process.exitcode:
                return f"{process.name} (process {process.pid}) {_ended_by(process.exitcode)}"
        return None

    async def probe(self) -> None:
        """Ask the engine's own process something small; it answers between two steps."""
        await self._llm.engine_core.call_utility_async("get_supported_tasks")

    async def start(self) -> FastAPI:
        """Make vLLM's app.

        The engine's output is read by tasks that its first awaited call starts on the loop of
        that call, so this is the first.
        """
        tasks = await self._llm.get_supported_tasks()
        await self._llm.reset_mm_cache()
        forget_http_metrics()
        app: FastAPI = symbols.BUILD_APP.load()(self._args, tasks, self._llm.model_config)
        await symbols.INIT_APP_STATE.load()(self._llm, app.state, self._args, tasks)
        # vLLM's error handlers tell its own server to exit when the engine is dead.
        app.state.server = SimpleNamespace(should_exit=False)
        # The lifespan of an app behind another one does not run; these are its two jobs.
        if app.state.log_stats:
            self._stats = asyncio.create_task(self._log_stats())
        symbols.FREEZE_GC_HEAP.load()()
        self._app = app
        return app

    def openapi(self) -> dict[str, Any] | None:
        """The document of vLLM's app, unless its arguments hide it."""
        if self._app is None or self._app.openapi_url is None:
            return None
        return self._app.openapi()

    def end_requests(self) -> None:
        """End the requests in flight: `AsyncLLM.shutdown` would leave their streams open."""
        if self._stats is not None:
            self._stats.cancel()
        self._llm.output_processor.propagate_error(symbols.ENGINE_DEAD.load()())

    def shutdown(self, timeout_s: float) -> None:
        """End the engine's processes."""
        self._llm.shutdown(timeout=timeout_s)

    async def _log_stats(self) -> None:
        interval = symbols.LOG_STATS_INTERVAL.load()
        while True:
            await asyncio.sleep(interval)
            await self._llm.do_log_stats()


def forget_http_metrics() -> None:
    """Take the HTTP series of an earlier app out of Prometheus' registry.

    Each app registers its own; a second registration is swallowed, and its requests with it.
    """
    from prometheus_client import REGISTRY

    names = REGISTRY._collector_to_names
    for collector in [each for each, its in names.items() if any(map(is_http_series, its))]:
        REGISTRY.unregister(collector)


def is_http_series(name: str) -> bool:
    """Whether vLLM's HTTP instrumentation made this series."""
    return name.startswith("http_")


def _ended_by(exit_code: int) -> str:
    """An exit code of `multiprocessing` in words: negative ones are signals."""
    if exit_code == -signal.SIGKILL:
        return "was killed (SIGKILL); the machine may have run out of memory"
    if exit_code < 0:
        return f"was ended by {signal.Signals(-exit_code).name}"
    return f"ended with status {exit_code}"
