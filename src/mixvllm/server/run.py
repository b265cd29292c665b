"""Runs a server: uvicorn on the bound socket, the supervisor beside it, signals of our own."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mixvllm.errors import MixvllmError
from mixvllm.server.address import url_of
from mixvllm.server.engine import EngineBuilder
from mixvllm.server.explanation import explained
from mixvllm.server.garbage import collect_seldom
from mixvllm.server.gateway import create_gateway
from mixvllm.server.http_server import HttpServer, SharedSocketServer, http_config, loop_factory
from mixvllm.server.lifecycle import Lifecycle, Phase
from mixvllm.server.live_settings import LiveSettings
from mixvllm.server.logs import set_up_logs
from mixvllm.server.metrics.gpu_readings import GpuReadings
from mixvllm.server.output_capture import OutputCapture
from mixvllm.server.own_files import OwnFiles
from mixvllm.server.progress import OutputReader, PhaseProgress, Reporter, ServerReady
from mixvllm.server.registry import RegistryEntry, RunningServer, process_start
from mixvllm.server.reload import ReloadRefused, take_over
from mixvllm.server.restarts import RestartBudget
from mixvllm.server.signals import Signals
from mixvllm.server.start_record import StartRecord
from mixvllm.server.supervisor import Supervisor
from mixvllm.settings.schema import ServeConfig


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
        reread: Resolves the settings anew, for a reload; raises what is wrong with them.
        record: What keeps the figures of a start; None keeps nothing.
        files: The files of this server; None where nobody removes what its engines leave.
    """

    settings: ServeConfig
    sock: socket.socket
    builder: EngineBuilder
    report: Reporter
    capture: OutputCapture | None = None
    access_log: bool = False
    reread: Callable[[], ServeConfig] | None = None
    record: StartRecord | None = None
    files: OwnFiles | None = None


def run_server(run: ServerRun) -> MixvllmError | None:
    """Serve until a signal or a failure; the error that ended it, or None when asked to end.

    When it returns, threads of an unfinished engine may still run: call `children.leave`.
    """
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(_serve(run))


async def _serve(run: ServerRun) -> MixvllmError | None:
    collect_seldom()
    set_up_logs(run.settings.server.log_format, verbose=run.access_log)
    live, gpus = LiveSettings(run.settings), GpuReadings()
    supervisor, registry = _supervise(run, live, gpus)
    server = _http_server(run, live, supervisor)
    signals = Signals(
        stop=supervisor.stop,
        reload=lambda: _reload(run, live),
        grace_s=lambda: live.current.server.shutdown_grace_s,
        clean_up=lambda: _remove_files(run, registry),
    )
    signals.handle()
    serving = asyncio.create_task(server.serve(sockets=[run.sock]))
    try:
        # vLLM is imported in a thread, and imports hold the interpreter: first the first answer.
        while not server.started and not serving.done():
            await asyncio.sleep(0.005)
        await supervisor.run()
    finally:
        server.should_exit = True
        await serving
        registry.remove()  # the other files go when nothing runs any more that may use them
        gpus.close()
    return supervisor.error


def _remove_files(run: ServerRun, registry: RegistryEntry) -> None:
    registry.remove()
    if run.files is not None:
        run.files.remove()


def _http_server(run: ServerRun, live: LiveSettings, supervisor: Supervisor) -> HttpServer:
    """What answers in this process: everything, or what no API worker is there to answer."""
    has_workers = run.settings.server.workers > 1
    config = http_config(
        create_gateway(live, supervisor),
        live,
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


def _supervise(
    run: ServerRun, live: LiveSettings, gpus: GpuReadings
) -> tuple[Supervisor, RegistryEntry]:
    lifecycle, server = Lifecycle(), run.settings.server
    log = run.capture.log if run.capture else None
    reader = OutputReader(
        lambda phase, progress: supervisor.report_step_from_thread(phase, progress)
    )
    supervisor = Supervisor(
        run.builder,
        lifecycle,
        live=live,
        budget=RestartBudget(server.max_restarts if server.restart == "on-failure" else 0),
        health_timeout_s=server.health_timeout_s,
        find_cause=lambda error: explained(reader.find_cause(error), run.settings),
        log=log,
        gpus=gpus,
    )
    if run.capture is not None:
        run.capture.subscribe(reader.read)
        if run.record is not None:
            run.capture.subscribe(run.record.read)
        if run.files is not None:
            run.capture.subscribe(run.files.read)
    registry = RegistryEntry(_describe(run, log))

    def on_change(changed: Lifecycle) -> None:
        if run.files is not None and str(changed.phase) != registry.server.phase:
            _keep_account(run.files, changed.phase)
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


def _keep_account(files: OwnFiles, phase: Phase) -> None:
    """Note what an engine uses, and remove what a dead one left before the next is built."""
    if phase is Phase.CHECKING:
        files.remove_unused()
    elif phase is not Phase.STOPPED:
        files.note_shared_memory()


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


def _reload(run: ServerRun, live: LiveSettings) -> None:
    """Read the settings anew; what is wrong with them changes nothing."""
    if run.reread is None:
        return
    try:
        fresh = run.reread()
    except MixvllmError as error:
        run.report(ReloadRefused(error.message, error.hint, error.problems))
    else:
        run.report(take_over(live, fresh))
