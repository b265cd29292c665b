"""vLLM's engine in this process and vLLM's HTTP app for it, made as `vllm serve` makes them."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from mixvllm.vllm_internals import symbols
from mixvllm.vllm_internals.adapter import parse_arguments
from mixvllm.vllm_internals.engine_processes import core_processes, describe_end, pids_below
from mixvllm.vllm_internals.facts import EngineFacts
from mixvllm.vllm_internals.remembered import forget_models
from mixvllm.vllm_internals.warm_processes import WarmContext, replace_spawn

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
    args, engine_args, config = described_engine(arguments)
    if warm is not None:
        replace_spawn(warm)
    return VllmEngine(_make_client(engine_args, config), args)


def described_engine(
    arguments: list[str], *, api_processes: int = 1, place: int = 0
) -> tuple[Namespace, Any, Any]:
    """What vLLM makes of its arguments: their values, the engine's arguments, its configuration.

    Args:
        arguments: The arguments of vLLM's API server.
        api_processes: How many processes will use the engine.
        place: Which of them this is; -1 is none of them.

    Raises:
        SettingsError: vLLM does not take the arguments.
        InstallationError: this vLLM is not one that mixvllm knows.
    """
    symbols.check_symbols()
    args = parse_arguments(arguments)
    symbols.CONFIGURE_LOGGING.load()(args)
    symbols.SET_ULIMIT.load()()
    return args, *_configure(args, api_processes, place)


def connect_engine(args: Namespace, client: dict[str, Any]) -> VllmEngine:
    """Reach an engine that another process has started; blocks until it is ready.

    Args:
        args: What vLLM has read from its arguments.
        client: vLLM's description of this process's place, one of several.
    """
    count, place = client["client_count"], client["client_index"]
    engine_args, config = _configure(args, count, place)
    addresses = {k: v for k, v in client.items() if k not in ("client_count", "client_index")}
    llm = _make_client(
        engine_args, config, client_addresses=addresses, client_count=count, client_index=place
    )
    return VllmEngine(llm, args)


def _configure(args: Namespace, api_processes: int, place: int) -> tuple[Any, Any]:
    """The engine's arguments and its configuration."""
    engine_args = symbols.FROM_CLI_ARGS.load()(args)
    symbols.PROPAGATE_LATE_INTERACTION.load()(args, engine_args)
    if api_processes > 1:
        engine_args._api_process_count = api_processes
        engine_args._api_process_rank = place
    usage_context = symbols.USAGE_CONTEXT.load()
    return engine_args, engine_args.create_engine_config(usage_context=usage_context)


def _make_client(engine_args: Any, config: Any, **client: Any) -> Any:
    return symbols.FROM_VLLM_CONFIG.load()(
        vllm_config=config,
        usage_context=symbols.USAGE_CONTEXT.load(),
        enable_log_requests=engine_args.enable_log_requests,
        aggregate_engine_logging=engine_args.aggregate_engine_logging,
        disable_log_stats=engine_args.disable_log_stats,
        **client,
    )


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
        return tuple(pids_below(self._processes))

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """None: this process answers itself."""
        return ()

    @property
    def _processes(self) -> Iterator[Any]:
        resources = self._llm.engine_core.resources
        return core_processes(resources.engine_manager, resources.coordinator)

    @property
    def errored(self) -> bool:
        """Whether the engine is dead, as vLLM knows it or as its app wanted to exit for it."""
        wanted_exit = self._app is not None and self._app.state.server.should_exit
        return bool(self._llm.errored or wanted_exit)

    def describe_death(self) -> str | None:
        """Which process ended, and by what."""
        return describe_end(self._processes)

    async def probe(self) -> None:
        """Ask the engine's own process something small; it answers between two steps."""
        await self._llm.engine_core.call_utility_async("get_supported_tasks")

    async def start(self, server: object) -> FastAPI:
        """Make vLLM's app, which needs nothing of the server.

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
        """End the engine's processes, and forget its model."""
        self._llm.shutdown(timeout=timeout_s)
        forget_models()

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
