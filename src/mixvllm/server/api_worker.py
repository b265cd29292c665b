"""An API worker: one of several processes that answer requests for the same engine."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from mixvllm.server.children import leave
from mixvllm.server.engine import ASGIApp, Engine
from mixvllm.server.engine_watch import WATCH_INTERVAL_S
from mixvllm.server.gateway import create_gateway
from mixvllm.server.http_server import Share, SharedSocketServer, http_config, loop_factory
from mixvllm.server.interruption import RESTARTING, Interruption
from mixvllm.server.lifecycle import Lifecycle, Phase
from mixvllm.server.live_settings import LiveSettings
from mixvllm.server.prediction import Prediction
from mixvllm.server.requests_in_flight import RequestsInFlight
from mixvllm.server.worker_news import Channel, ServerNews
from mixvllm.settings.schema import ServeConfig
from mixvllm.vllm_internals.shared_engine import EngineAccess


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

    def __call__(self, access: EngineAccess) -> None:
        """Work until told to end."""
        for place, channel in enumerate(self.channels):
            if place != access.place:
                channel.close()
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(_work(self, access))
        leave(0)


class WorkerState:
    """The state of the server as a worker was told it last; see `ServerState`."""

    def __init__(self, engine: Engine, app: ASGIApp, began: float, channel: Channel) -> None:
        """Begin with an engine that must not be used yet.

        Args:
            engine: The worker's access to the engine.
            app: The engine's HTTP app.
            began: When the server began.
            channel: Where to tell that requests are in flight.
        """
        self.lifecycle = Lifecycle(began=began)
        self.engine = engine
        self.app: ASGIApp | None = None
        self.requests = RequestsInFlight(lambda busy: channel.send(busy=busy))
        self.restarts = 0
        self.prediction = Prediction()
        self.engine_pids: tuple[int, ...] = ()
        self.worker_pids: tuple[int, ...] = ()
        self.death = RESTARTING
        self._app = app
        self._interruption: Interruption | None = None

    @property
    def interruption(self) -> Interruption | None:
        """Why requests in flight are being ended; an engine that died counts at once."""
        return self._interruption or (self.death if self.engine.errored else None)

    def take(self, news: ServerNews) -> None:
        """Take over what the server says of itself."""
        self.restarts = news.restarts
        self.prediction = news.prediction
        self.engine_pids = news.engine_pids or self.engine_pids
        self.worker_pids = news.worker_pids
        self.death = news.death
        self.app = self._app if news.phase is Phase.READY and not news.interruption else None
        if news.phase is Phase.STOPPED:
            self.lifecycle.stop(news.error)
        else:
            self.lifecycle.move(news.phase, news.progress)
        if news.interruption and not self._interruption:
            self._interruption = news.interruption
            self.engine.end_requests()


async def _work(job: WorkerJob, access: EngineAccess) -> None:
    """Connect to the engine and answer requests.

    The engine is reached on the loop: a death that comes before the first request is seen.
    """
    engine = access.connect()
    app = await engine.start()
    channel = await Channel.over(job.channels[access.place])
    state = WorkerState(engine, app, job.began, channel)
    gateway = create_gateway(LiveSettings(job.settings), state)
    config = http_config(gateway, job.settings.server, access_log=job.access_log)
    share = Share(access.loads, access.place) if access.loads is not None else None
    server = SharedSocketServer(config, share)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, _end, server)
    listening = asyncio.create_task(_listen(channel, state, server))
    watching = asyncio.create_task(_tell_death(engine, channel))
    channel.send(facts=asdict(engine.facts))
    await server.serve(sockets=[job.sock])
    for task in (listening, watching):
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
