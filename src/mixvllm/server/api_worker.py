"""An API worker: one of several processes that answer requests for the same engine."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import MutableSequence, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from mixvllm.server.children import leave
from mixvllm.server.engine import ASGIApp, Engine
from mixvllm.server.engine_watch import WATCH_INTERVAL_S
from mixvllm.server.gateway import create_gateway
from mixvllm.server.http_server import Share, SharedSocketServer, http_config, loop_factory
from mixvllm.server.interruption import RESTARTING, Interruption
from mixvllm.server.lifecycle import Lifecycle, Phase
from mixvllm.server.live_settings import LiveSettings
from mixvllm.server.logs import set_up_logs
from mixvllm.server.prediction import Prediction
from mixvllm.server.requests_in_flight import RequestsInFlight
from mixvllm.server.worker_metrics import WorkerMetrics
from mixvllm.server.worker_news import Channel, ServerNews
from mixvllm.settings.schema import ServeConfig


class Access(Protocol):
    """One API worker's access to the engine."""

    @property
    def place(self) -> int:
        """Which of the workers this is."""

    @property
    def loads(self) -> MutableSequence[int] | None:
        """How many connections each of them has, in memory that they share."""

    def connect(self) -> Engine:
        """Reach the engine; blocks until it is ready."""


@dataclass(frozen=True)
class WorkerJob:
    """What an API worker is given.

    Attributes:
        settings: The settings.
        sock: The socket that all of them listen on.
        began: When the server began, by the monotonic clock, which is the machine's.
        channels: The workers' ends of the lines to the process that started them.
        access_log: Whether every request is logged.
    """

    settings: ServeConfig
    sock: socket.socket
    began: float
    channels: Sequence[socket.socket]
    access_log: bool

    def __call__(self, access: Access) -> None:
        """Work until told to end."""
        for place, channel in enumerate(self.channels):
            if place != access.place:
                channel.close()
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(_work(self, access))
        leave(0)


class WorkerState:
    """The state of the server as a worker was told it last; see `ServerState`."""

    def __init__(self, live: LiveSettings, engine: Engine, began: float, channel: Channel) -> None:
        """Begin with an engine that must not be used yet.

        Args:
            live: The settings that are in force.
            engine: The worker's access to the engine.
            began: When the server began.
            channel: Where to tell that requests are in flight.
        """
        self.live = live
        self.lifecycle = Lifecycle(began=began)
        self.engine = engine
        self.app: ASGIApp | None = None
        self.requests = RequestsInFlight(lambda busy: channel.send(busy=busy))
        self.metrics = WorkerMetrics(channel, lambda: self.requests.count)
        self.restarts = 0
        self.prediction = Prediction()
        self.engine_pids: tuple[int, ...] = ()
        self.worker_pids: tuple[int, ...] = ()
        self.death = RESTARTING
        self._app: ASGIApp | None = None
        self._interruption: Interruption | None = None
        self._ending: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Make the engine's app; requests go to it when the server says so."""
        self._app = await self.engine.start(self)

    @property
    def interruption(self) -> Interruption | None:
        """Why requests in flight are being ended; an engine that died counts at once."""
        return self._interruption or (self.death if self.engine.errored else None)

    def take(self, news: ServerNews) -> None:
        """Take over what the server says of itself."""
        self.live.current = news.settings
        self.restarts = news.restarts
        self.prediction = news.prediction
        self.engine_pids = news.engine_pids or self.engine_pids
        self.worker_pids = news.worker_pids
        self.death = news.death
        self.app = self._app if news.phase is Phase.READY and not news.interruption else None
        if news.phase is Phase.STOPPED:
            self.lifecycle.stop(news.error, news.code)
        else:
            self.lifecycle.move(news.phase, news.progress, code=news.code)
        if news.interruption and not self._interruption:
            self._interruption = news.interruption
            self._ending = asyncio.create_task(self.requests.end_all(self.engine.end_requests))


async def _work(job: WorkerJob, access: Access) -> None:
    """Connect to the engine and answer requests.

    The engine is reached on the loop: a death that comes before the first request is seen.
    """
    set_up_logs(job.settings.server.log_format, verbose=job.access_log)
    engine = access.connect()
    channel = await Channel.over(job.channels[access.place])
    live = LiveSettings(job.settings)
    state = WorkerState(live, engine, job.began, channel)
    await state.start()
    config = http_config(create_gateway(live, state), live)
    share = Share(access.loads, access.place) if access.loads is not None else None
    server = SharedSocketServer(config, share)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, _end, server)
    listening = asyncio.create_task(_listen(channel, state, server))
    watching = asyncio.create_task(_tell_death(engine, channel))
    channel.send(facts=asdict(engine.facts))
    pushing = asyncio.create_task(state.metrics.push_on())
    await server.serve(sockets=[job.sock])
    for task in (listening, watching, pushing):
        task.cancel()


def _end(server: SharedSocketServer) -> None:
    server.should_exit = True


async def _listen(channel: Channel, state: WorkerState, server: SharedSocketServer) -> None:
    """Do what the server says."""
    probes: set[asyncio.Task[None]] = set()
    async for message in channel.messages():
        if "news" in message:
            state.take(ServerNews.read(message["news"]))
            server.accept(wanted=state.app is not None)
        elif "metrics" in message:
            state.metrics.take_answer(message["metrics"], message["text"])
        elif "probe" in message:
            probe = asyncio.create_task(_answer_probe(state.engine, channel, message["probe"]))
            probes.add(probe)
            probe.add_done_callback(probes.discard)


async def _answer_probe(engine: Engine, channel: Channel, number: int) -> None:
    try:
        await engine.probe()
    finally:  # a refusal is an answer too
        channel.send(answered=number)


async def _tell_death(engine: Engine, channel: Channel) -> None:
    while not engine.errored:
        await asyncio.sleep(WATCH_INTERVAL_S)
    channel.send(errored=True)
