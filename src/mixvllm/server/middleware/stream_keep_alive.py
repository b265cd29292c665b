"""Comments in streams that are silent for long, so that no proxy takes them for dead."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mixvllm.server.engine import ASGIApp, Message, Receive, Scope, Send

if TYPE_CHECKING:
    from mixvllm.server.live_settings import LiveSettings

STREAM = b"text/event-stream"
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
    """One answer; a timer runs while it is a stream between two events."""

    def __init__(self, send: Send, interval_s: float) -> None:
        self._send = send
        self._interval_s = interval_s
        self._spoke_at = 0.0
        self._is_between_events = True
        self._speaking: asyncio.Task[None] | None = None

    async def send(self, message: Message) -> None:
        """Pass a message on."""
        if message["type"] == "http.response.start":
            await self._send(message)
            if dict(message.get("headers", ())).get(b"content-type", b"").startswith(STREAM):
                self._speaking = asyncio.create_task(self._speak_into_silence())
            return
        if self._speaking is not None:
            self._spoke_at = asyncio.get_running_loop().time()
            self._is_between_events = message.get("body", b"").endswith(END_OF_EVENT)
            if not message.get("more_body", False):
                self.end()
        await self._send(message)

    def end(self) -> None:
        """Say nothing any more."""
        if self._speaking is not None:
            self._speaking.cancel()
            self._speaking = None

    async def _speak_into_silence(self) -> None:
        loop = asyncio.get_running_loop()
        self._spoke_at = loop.time()
        while True:
            await asyncio.sleep(self._spoke_at + self._interval_s - loop.time())
            if loop.time() - self._spoke_at < self._interval_s:
                continue
            self._spoke_at = loop.time()
            if self._is_between_events:
                body = {"type": "http.response.body", "body": COMMENT, "more_body": True}
                await self._send(body)
