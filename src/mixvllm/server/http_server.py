"""The HTTP side of a process of ours: uvicorn, alone on its socket or sharing it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import socket
from collections.abc import Iterator, MutableSequence, Sequence
from dataclasses import dataclass
from typing import Any

import uvicorn

from mixvllm.server.engine import ASGIApp
from mixvllm.server.live_settings import LiveSettings
from mixvllm.server.patient_protocol import patient_protocol

LOG = logging.getLogger(__name__)
CLOSE_CONNECTIONS_S = 1
# A process with more connections leaves a new one to the others for this long.
DEFERRALS = 5
DEFERRAL_S = 0.001
FILES_USED_UP_S = 1.0


def http_config(
    app: ASGIApp, live: LiveSettings, *, one_answer_each: bool = False
) -> uvicorn.Config:
    """How uvicorn serves an app of ours.

    Args:
        app: The app.
        live: The settings that are in force.
        one_answer_each: Whether a connection ends with its first answer.
    """
    return uvicorn.Config(
        app,
        interface="asgi3",  # uvicorn takes a call that is no coroutine function for an older one
        lifespan="off",
        http=patient_protocol(lambda: live.current.server.client_timeout_s),
        timeout_keep_alive=math.ceil(live.at_start.server.keep_alive_s),
        log_config=None,
        access_log=False,  # ours has the id of the request
        timeout_graceful_shutdown=CLOSE_CONNECTIONS_S,
        headers=[("connection", "close")] if one_answer_each else [],
    )


def loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    """The fastest event loop that is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.Loop


class HttpServer(uvicorn.Server):
    """uvicorn without its signal handlers, which would end the HTTP side before the engine's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to their owner."""
        yield


@dataclass(frozen=True)
class Share:
    """One process's share of the connections.

    Attributes:
        loads: How many connections each process has, in memory that they share.
        place: The place of this one.
    """

    loads: MutableSequence[int]
    place: int

    def is_smallest(self, connections: int) -> bool:
        """Publish how many connections this process has; whether nobody has fewer."""
        self.loads[self.place] = connections
        return connections <= min(self.loads)


class SharedSocketServer(HttpServer):
    """Takes connections from a socket of several processes, while it is told to.

    The loop's own server takes all that wait in one go, so that one process would have them all.
    """

    def __init__(self, config: uvicorn.Config, share: Share | None = None) -> None:
        super().__init__(config)
        self._share = share
        self._open = asyncio.Event()
        self._accepting: list[asyncio.Task[None]] = []

    def accept(self, *, wanted: bool) -> None:
        """Take new connections, or leave them to others; those that are open stay."""
        if wanted:
            self._open.set()
        else:
            self._open.clear()

    async def startup(self, sockets: Sequence[socket.socket] | None = None) -> None:
        """Begin, as uvicorn does, with acceptors of our own."""
        await super().startup(sockets=[])
        for sock in sockets or ():
            sock.setblocking(False)
            self._accepting.append(asyncio.create_task(self._accept_from(sock)))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End, as uvicorn does."""
        for task in self._accepting:
            task.cancel()
        await asyncio.gather(*self._accepting, return_exceptions=True)
        await super().shutdown(sockets)

    async def _accept_from(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._open.wait()
            await _readable(sock)
            await self._let_others_go_first()
            if not self._open.is_set():
                continue
            try:
                connection, _ = sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                continue  # another process was faster, or the client is gone
            except OSError as error:
                LOG.warning("No connection can be taken: %s", error)
                await asyncio.sleep(FILES_USED_UP_S)
                continue
            with contextlib.suppress(OSError):  # it went away at once
                await loop.connect_accepted_socket(self._make_protocol, connection)

    def _make_protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol

    async def _let_others_go_first(self) -> None:
        for _ in range(DEFERRALS):
            if self._share is None or self._share.is_smallest(len(self.server_state.connections)):
                return
            await asyncio.sleep(DEFERRAL_S)


async def _readable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(sock, wake)
    try:
        await ready
    finally:
        loop.remove_reader(sock)
