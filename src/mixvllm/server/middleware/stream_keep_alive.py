"""Comments in streams that are silent for long, so that no proxy takes them for dead."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from mixvllm.server.engine import ASGIApp, Message, Receive, Scope, Send
from mixvllm.server.middleware.event_stream import is_event_stream

if TYPE_CHECKING:
    from mixvllm.server.live_settings import LiveSettings

COMMENT = b": keep-alive\n\n"
END_OF_EVENT = b"\n\n"


class StreamKeepAlive:
    """Sends a comment where a stream of events has been silent: while the prompt is read, say."""

    def __init__(self, app: ASGIApp, live: LiveSettings) -> None:
        self.app = app
        self.live = live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        interval_s = self.live.current.server.sse_keep_alive_s
        if scope["type"] != "http" or not interval_s:
            await self.app(scope, receive, send)
            return
        stream = _Stream(send, interval_s)
        try:
            await self.app(scope, receive, stream.send)
        finally:
            stream.end()


class _Stream:
    """One answer; a timer runs while it is a stream. What it does for each token is kept small."""

    def __init__(self, send: Send, interval_s: float) -> None:
        self._send = send
        self._interval_s = interval_s
        self._loop = asyncio.get_running_loop()
        self._spoke_at = 0.0
        self._is_between_events = True
        self._timer: asyncio.TimerHandle | None = None
        self._speaking: asyncio.Task[None] | None = None

    def send(self, message: Message) -> Awaitable[None]:
        """Pass a message on."""
        if self._timer is None:
            return self._send_and_begin(message)
        self._spoke_at = self._loop.time()
        self._is_between_events = message.get("body", b"").endswith(END_OF_EVENT)
        if not message.get("more_body", False):
            self.end()
        return self._send(message)

    async def _send_and_begin(self, message: Message) -> None:
        await self._send(message)
        if message["type"] == "http.response.start" and is_event_stream(message):
            self._spoke_at = self._loop.time()
            self._look_again()

    def end(self) -> None:
        """Say nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._speaking is not None:
            self._speaking.cancel()
            self._speaking = None

    def _look_again(self) -> None:
        self._timer = self._loop.call_at(self._spoke_at + self._interval_s, self._look)

    def _look(self) -> None:
        """Speak where nothing was said for the interval."""
        now = self._loop.time()
        if now >= self._spoke_at + self._interval_s:
            self._spoke_at = now
            if self._is_between_events and (self._speaking is None or self._speaking.done()):
                message = {"type": "http.response.body", "body": COMMENT, "more_body": True}
                self._speaking = asyncio.create_task(self._say(message))
        self._look_again()

    async def _say(self, message: Message) -> None:
        await self._send(message)
