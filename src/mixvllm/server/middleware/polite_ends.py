"""How answers end that the server cannot finish: with an error that clients understand.

Left alone, vLLM ends such a stream with an error and `[DONE]`, as if it were whole, cuts
`/v1/responses` in the middle, and answers others with 500.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from mixvllm.server.engine import ASGIApp, Message, Receive, Scope, Send
from mixvllm.server.interruption import RETRY_AFTER_S, Interruption
from mixvllm.server.middleware.event_stream import is_event_stream
from mixvllm.server.openai_errors import error_body, send_error

SEPARATOR = b"\n\n"
# How the last event of a broken stream begins: completions and chat, then messages.
ERRORS = (b'data: {"error"', b"event: error")


class PoliteEnds:
    """Words the ends of answers while the server interrupts them."""

    def __init__(self, app: ASGIApp, interruption: Callable[[], Interruption | None]) -> None:
        """Wrap the engine's app.

        Args:
            app: The engine's app.
            interruption: Why answers are being ended now, if they are.
        """
        self.app = app
        self.interruption = interruption

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = _Answer(scope, receive, send, self.interruption)
        try:
            await self.app(scope, receive, answer.send)
        except Exception:
            if not await answer.end():
                raise


class _Answer:
    """One answer on its way to the client."""

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        interruption: Callable[[], Interruption | None],
    ) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._interruption = interruption
        self._has_begun = False
        self._is_stream = False
        self._is_over = False
        self._events = 0

    def send(self, message: Message) -> Awaitable[None]:
        """Pass a message on, unless it is the engine's own word on an interruption."""
        if self._is_stream and not self._is_over and self._interruption() is None:
            self._events += 1
            return self._send(message)
        return self._send_unless_interrupted(message)

    async def _send_unless_interrupted(self, message: Message) -> None:
        if self._is_over:
            return
        if message["type"] == "http.response.start":
            if message["status"] >= 500 and (why := self._interruption()):
                await self._refuse(why)
                return
            self._has_begun = True
            self._is_stream = is_event_stream(message)
        elif self._is_stream and message["type"] == "http.response.body":
            self._events += 1
            if (why := self._interruption()) and await self._cut(message, why):
                return
        await self._send(message)

    async def end(self) -> bool:
        """End an answer whose app has failed; False when that is not for us to word."""
        why = self._interruption()
        if self._is_over:
            return True
        if why is None or (self._has_begun and not self._is_stream):
            return False
        if self._has_begun:
            await self._say_last(b"", why)
        else:
            await self._refuse(why)
        return True

    async def _cut(self, message: Message, why: Interruption) -> bool:
        """Put our error in place of the engine's; False when the message has none."""
        kept = b""
        for event in message.get("body", b"").split(SEPARATOR):
            if event.startswith(ERRORS):
                await self._say_last(kept, why)
                return True
            kept += event + SEPARATOR if event else b""
        return False

    async def _say_last(self, kept: bytes, why: Interruption) -> None:
        self._is_over = True
        body = kept + last_event(self._scope["path"], why, self._events)
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def _refuse(self, why: Interruption) -> None:
        self._is_over = True
        await send_error(
            self._scope,
            self._receive,
            self._send,
            status=503,
            body=error_body(why.message, why.kind, 503),
            headers={"Retry-After": str(RETRY_AFTER_S)},
        )


def last_event(path: str, why: Interruption, sequence_number: int) -> bytes:
    """The event that ends a stream before its time, in the dialect of its route.

    Args:
        path: The route.
        why: What to tell.
        sequence_number: How many events went before it, for `/v1/responses`.
    """
    error = error_body(why.message, why.kind, 503)
    if path.endswith("/messages"):
        told = {"type": "overloaded_error", "message": why.message}
        return _event({"type": "error", "error": told}, name="error")
    if path.endswith("/responses"):
        event = {
            "type": "error",
            "code": why.kind,
            "message": why.message,
            "param": None,
            "sequence_number": sequence_number,
        }
        return _event({**event, **error}, name="error")
    return _event(error)


def _event(data: dict[str, Any], *, name: str | None = None) -> bytes:
    begins = f"event: {name}\n" if name else ""
    return f"{begins}data: {json.dumps(data)}\n\n".encode()
