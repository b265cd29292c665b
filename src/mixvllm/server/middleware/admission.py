"""How many requests the engine is given at once, and how many may wait for their turn."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from mixvllm.server.engine import ASGIApp, Receive, Scope, Send
from mixvllm.server.interruption import RETRY_AFTER_S
from mixvllm.server.middleware.body import read_body, replay
from mixvllm.server.openai_errors import error_body, send_error

if TYPE_CHECKING:
    from mixvllm.server.live_settings import LiveSettings


class Admission:
    """Lets work through in the order in which it came; what only asks (GET) need not wait."""

    def __init__(self, app: ASGIApp, live: LiveSettings) -> None:
        self.app = app
        self.live = live
        self.running = 0
        self.waiting: deque[asyncio.Future[None]] = deque()

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass a request on when it is its turn, or answer 429."""
        if scope["type"] != "http" or scope["method"] != "POST":
            return self.app(scope, receive, send)
        return self._in_turn(scope, receive, send)

    async def _in_turn(self, scope: Scope, receive: Receive, send: Send) -> None:
        server = self.live.current.server
        if self.running >= _share(server.max_concurrent_requests, server.workers):
            if len(self.waiting) >= _share(server.max_queued_requests, server.workers):
                await _refuse(scope, receive, send)
                return
            messages = await read_body(receive)
            if not await self._comes_to_its_turn(receive):
                return
            receive = replay(messages, receive)
        else:
            self.running += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._leave()

    async def _comes_to_its_turn(self, receive: Receive) -> bool:
        """Wait for a place; False when the client goes away before."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append(turn)
        going = asyncio.ensure_future(receive())
        either: set[asyncio.Future[Any]] = {turn, going}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            going.cancel()
            if not turn.done():
                turn.cancel()
                self.waiting.remove(turn)
        return not turn.cancelled()

    def _leave(self) -> None:
        """Give the place to who has waited longest."""
        while self.waiting:
            turn = self.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.running -= 1


def _share(most: int, workers: int) -> int:
    """What one of several API workers may take of a bound on the server, rounded up."""
    return -(-most // workers)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    message = "Too many requests are waiting already. Send this one again in a moment."
    await send_error(
        scope,
        receive,
        send,
        status=429,
        body=error_body(message, "rate_limit_error", 429),
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )
