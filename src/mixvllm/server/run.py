"""Runs a server: uvicorn on the bound socket, the supervisor beside it, signals of our own."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from mixvllm.errors import MixvllmError
from mixvllm.server.address import url_of
from mixvllm.server.children import leave
from mixvllm.server.engine import EngineBuilder
from mixvllm.server.gateway import create_gateway
from mixvllm.server.http_server import HttpServer, SharedSocketServer, http_config, loop_factory
from mixvllm.server.lifecycle import Lifecycle, Phase
from mixvllm.server.live_settings import LiveSettings
from mixvllm.server.output_capture import OutputCapture
from mixvllm.server.progress import OutputReader, PhaseProgress, Reporter, ServerReady
from mixvllm.server.registry import RegistryEntry, RunningServer, process_start
from mixvllm.server.restarts import RestartBudget
from mixvllm.server.start_record import StartRecord
from mixvllm.server.supervisor import Supervisor
from mixvllm.settings.schema import ServeConfig

# Beyond the grace of the streams: engine, HTTP server, clean-up.
END_MARGIN_S = 5.0


@dataclass(frozen=True)
class ServerRun:
    """What a server runs with.

    Attributes:
        settings: The settings.
        sock: The socket that listens.
        builder: What builds its engine.
        report: Told of every event.
        capture: The captured output, or None to leave output alone.
        access_log: Whether every request is logged.
        record: What keeps the figures of a start; None keeps nothing.
    """

    settings: ServeConfig
    sock: socket.socket
    builder: EngineBuilder
    report: Reporter
    capture: OutputCapture | None = None
    access_log: bool = False
    record: StartRecord | None = None


def run_server(run: ServerRun) -> MixvllmError | None:
    """Serve until a signal or a failure; the error that ended it, or None when asked to end.

    When it returns, threads of an unfinished engine may still run: call `children.leave`.
    """
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(_serve(run))


async def _serve(run: ServerRun) -> MixvllmError | None:
    supervisor, registry = _supervise(run)
    settings = run.settings.server
    server = _http_server(run, supervisor)
    _handle_signals(supervisor, settings.shutdown_grace_s)
    serving = asyncio.create_task(server.serve(sockets=[run.sock]))
    try:
        # vLLM is imported in a thread, and imports hold the interpreter: first the first answer.
        while not server.started and not serving.done():
            await asyncio.sleep(0.005)
        await supervisor.run()
    finally:
        server.should_exit = True
        await serving
        registry.remove()
    return supervisor.error


def _http_server(run: ServerRun, supervisor: Supervisor) -> HttpServer:
    """What answers in this process: everything, or what no API worker is there to answer."""
    has_workers = run.settings.server.workers > 1
    config = http_config(
        create_gateway(LiveSettings(run.settings), supervisor),
        run.settings.server,
        access_log=run.access_log,
        # The next request is for a worker, which takes connections and no others'.
        one_answer_each=has_workers,
    )
    if not has_workers:
        return HttpServer(config)
    server = SharedSocketServer(config)
    server.accept(wanted=True)
    supervisor.lifecycle.subscribe(
        lambda changed: server.accept(wanted=changed.phase is not Phase.READY)
    )
    return server


def _supervise(run: ServerRun) -> tuple[Supervisor, RegistryEntry]:
    lifecycle, server = Lifecycle(), run.settings.server
    log = run.capture.log if run.capture else None
    reader = OutputReader(
        lambda phase, progress: supervisor.report_step_from_thread(phase, progress)
    )
    supervisor = Supervisor(
        run.builder,
        lifecycle,
        grace_s=server.shutdown_grace_s,
        budget=RestartBudget(server.max_restarts if server.restart == "on-failure" else 0),
        health_timeout_s=server.health_timeout_s,
        find_cause=reader.find_cause,
        log=log,
    )
    if run.capture is not None:
        run.capture.subscribe(reader.read)
        if run.record is not None:
            run.capture.subscribe(run.record.read)
    registry = RegistryEntry(_describe(run, log))

    def on_change(changed: Lifecycle) -> None:
        registry.phase(changed.phase)
        if changed.phase in (Phase.CHECKING, Phase.READY):
            reader.forget()
        if changed.phase is Phase.READY:
            run.report(_ready(run.settings, supervisor))
            if run.record is not None:
                run.record.keep_in_background()
        else:
            run.report(PhaseProgress(changed.phase, changed.progress, changed.elapsed_s))

    lifecycle.subscribe(on_change)
    return supervisor, registry


def _ready(settings: ServeConfig, supervisor: Supervisor) -> ServerReady:
    assert supervisor.engine is not None
    facts = supervisor.engine.facts
    return ServerReady(
        url=url_of(settings.server.host, settings.server.port),
        model=settings.served_name or "",
        elapsed_s=supervisor.lifecycle.down_s,
        restarts=supervisor.restarts,
        kv_cache_tokens=facts.kv_cache_tokens,
        predicted_kv_cache_tokens=supervisor.prediction.tokens,
        kv_cache_max_concurrency=facts.kv_cache_max_concurrency,
        max_model_len=facts.max_model_len,
    )


def _describe(run: ServerRun, log: Path | None) -> RunningServer:
    server, pid = run.settings.server, os.getpid()
    return RunningServer(
        pid=pid,
        process_started_at=process_start(pid),
        host=server.host,
        port=server.port,
        url=url_of(server.host, server.port),
        model=run.settings.served_name or "",
        phase=str(Phase.STARTING),
        started_at=time.time(),
        log=str(log) if log else None,
    )


def _handle_signals(supervisor: Supervisor, grace_s: float) -> None:
    """The first signal asks for the end, the second one is the end."""
    asked = False

    def on_signal() -> None:
        nonlocal asked
        if asked:
            leave(0)
        asked = True
        # Whatever hangs, the process ends; a thread, because the loop may be what hangs.
        watchdog = threading.Timer(grace_s + END_MARGIN_S, leave, args=(0,))
        watchdog.daemon = True
        watchdog.start()
        supervisor.stop()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
