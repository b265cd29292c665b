"""An engine that several API workers answer for, seen from the process that owns them all."""

from __future__ import annotations

import asyncio
import itertools
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from multiprocessing import connection
from typing import Any

from mixvllm.server.api_worker import Access, WorkerJob
from mixvllm.server.engine import ASGIApp, Receive, Scope, Send
from mixvllm.server.interruption import RETRY_AFTER_S
from mixvllm.server.lifecycle import Lifecycle
from mixvllm.server.openai_errors import error_body, send_error
from mixvllm.server.state import ServerState
from mixvllm.server.worker_news import Channel, ServerNews, first_message
from mixvllm.settings.schema import ServeConfig
from mixvllm.vllm_internals.facts import EngineFacts
from mixvllm.vllm_internals.shared_engine import SharedEngine

# Once the engine is up they have only to connect to it; they have loaded meanwhile.
LOADED_WITHIN_S = 300

Launch = Callable[[Callable[[Access], None]], SharedEngine]


def build_api_workers(
    launch: Launch,
    settings: ServeConfig,
    sock: socket.socket,
    *,
    began: float,
    access_log: bool,
) -> ApiWorkers:
    """Load an engine and start the API workers in front of it; blocks until all are loaded.

    Args:
        launch: Starts the engine and as many API processes, each of which does what it is given.
        settings: The settings.
        sock: The socket that the workers answer on.
        began: When the server began, by the monotonic clock.
        access_log: Whether every request is logged.

    Raises:
        RuntimeError: an API worker ended while loading.
        Exception: whatever the launch raises.
    """
    pairs = [socket.socketpair() for _ in range(settings.server.workers)]
    ours, theirs = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    try:
        job = WorkerJob(settings, sock, began, theirs, access_log)
        engine = launch(job)
    except BaseException:
        for end in ours:
            end.close()
        raise
    finally:
        for end in theirs:
            end.close()
    try:
        return ApiWorkers(engine, ours, _wait_until_loaded(engine, ours))
    except BaseException:
        engine.shutdown(0)
        raise


def _wait_until_loaded(engine: SharedEngine, ends: Sequence[socket.socket]) -> EngineFacts:
    """Wait for the first word of every worker: what the engine says of itself.

    Raises:
        RuntimeError: a process ended before that, or they do not come to it.
    """
    waiting, facts = list(ends), EngineFacts()
    deadline = time.monotonic() + LOADED_WITHIN_S
    while waiting:
        ready = connection.wait([*waiting, *engine.sentinels], deadline - time.monotonic())
        if not ready:
            raise RuntimeError(f"the API workers did not reach the engine in {LOADED_WITHIN_S} s")
        for end in [end for end in waiting if end in ready]:
            waiting.remove(end)
            message = first_message(end)
            if not message:
                raise RuntimeError(_death_while_loading(engine))
            facts = EngineFacts(**message["facts"])
        if any(sentinel in ready for sentinel in engine.sentinels):
            raise RuntimeError(_death_while_loading(engine))
    return facts


def _death_while_loading(engine: SharedEngine) -> str:
    return engine.describe_death() or "a process of the engine ended while loading"


class ApiWorkers:
    """An engine with its API workers, all of them replaced together; see `Engine`."""

    def __init__(
        self, engine: SharedEngine, ends: Sequence[socket.socket], facts: EngineFacts
    ) -> None:
        self.facts = facts
        self._engine = engine
        self._ends = ends
        self._channels: list[Channel] = []
        self._listening: list[asyncio.Task[None]] = []
        self._server: ServerState | None = None
        self._numbers: Iterator[int] = itertools.count()
        self._probes: dict[int, asyncio.Future[None]] = {}
        self._said_dead = False
        self._is_ending = False

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes of the engine."""
        return self._engine.pids

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """The API workers."""
        return self._engine.worker_pids

    @property
    def errored(self) -> bool:
        """Whether a worker has said that the engine is dead, or one of the processes has ended."""
        return self._said_dead or self.describe_death() is not None

    def describe_death(self) -> str | None:
        """Which process ended, and by what."""
        return self._engine.describe_death()

    async def probe(self) -> None:
        """Have every worker ask the engine."""
        loop = asyncio.get_running_loop()
        asked = {next(self._numbers): loop.create_future() for _ in self._channels}
        self._probes.update(asked)
        try:
            for number, channel in zip(asked, self._channels, strict=True):
                channel.send(probe=number)
            await asyncio.gather(*asked.values())
        finally:
            for number in asked:
                self._probes.pop(number, None)

    async def start(self, server: ServerState) -> ASGIApp:
        """Tell the workers of every change from now on; they answer as soon as it is ready."""
        self._server = server
        self._channels = [await Channel.over(end) for end in self._ends]
        self._listening = [asyncio.create_task(self._listen(each)) for each in self._channels]
        server.lifecycle.subscribe(self._tell_change)
        server.live.subscribe(self._tell)
        return ask_for_new_connection

    def openapi(self) -> dict[str, Any] | None:
        """Nothing: the workers show it."""
        return None

    def end_requests(self) -> None:
        """Have the workers end what they are answering; each goes on with that by itself."""
        if self._server is not None and not self._is_ending:
            self._is_ending = True
            self._server.lifecycle.unsubscribe(self._tell_change)
            self._server.live.unsubscribe(self._tell)
            self._tell()

    def shutdown(self, timeout_s: float) -> None:
        """End all processes."""
        self._engine.shutdown(timeout_s)

    def _tell_change(self, _: Lifecycle) -> None:
        self._tell()

    def _tell(self) -> None:
        assert self._server is not None
        news = ServerNews.of(self._server).as_data()
        for channel in self._channels:
            channel.send(news=news)

    async def _listen(self, channel: Channel) -> None:
        """Take what a worker says; while it is busy, the server has a request in flight."""
        assert self._server is not None
        elsewhere = self._server.metrics.traffic.elsewhere
        with ExitStack() as busy:
            busy.callback(elsewhere.pop, id(channel), None)
            requests = ExitStack()
            busy.push(requests)
            async for message in channel.messages():
                if message.get("busy"):
                    requests.enter_context(self._server.requests.one())
                elif "busy" in message:
                    requests.close()
                else:
                    await self._take(message, channel)

    async def _take(self, message: dict[str, Any], channel: Channel) -> None:
        """Take what a worker says of the engine and of its traffic."""
        assert self._server is not None
        metrics = self._server.metrics
        match message:
            case {"answered": number}:
                probe = self._probes.get(number)
                if probe is not None and not probe.done():
                    probe.set_result(None)
            case {"errored": _}:
                self._said_dead = True
            case {"traffic": news}:
                metrics.traffic.add(news["counted"])
                metrics.traffic.elsewhere[id(channel)] = news["in_flight"], news["waiting"]
            case {"ask_metrics": number}:
                channel.send(metrics=number, text=await metrics.ours())
            case _:
                pass


async def ask_for_new_connection(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer on a connection that was opened before the workers were there to take it."""
    message = "The model has just become ready. Send the request again on a new connection."
    await send_error(
        scope,
        receive,
        send,
        status=503,
        body=error_body(message, "service_unavailable", 503),
        headers={"Retry-After": str(RETRY_AFTER_S), "Connection": "close"},
    )
