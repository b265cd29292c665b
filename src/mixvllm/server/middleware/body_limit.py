"""How large a request may be, and how slowly it may come."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING

from mixvllm.server.engine import ASGIApp, Message, Receive, Scope, Send
from mixvllm.server.middleware.body import Inspection, RefusedBodyError, is_unfinished, replay
from mixvllm.server.openai_errors import error_body, send_error
from mixvllm.sizes import MIB

if TYPE_CHECKING:
    from mixvllm.server.live_settings import LiveSettings


class BodyLimit:
    """Reads the whole body before anything is done with it: a slow client holds no place."""

    def __init__(
        self, app: ASGIApp, live: LiveSettings, inspections: Sequence[Inspection] = ()
    ) -> None:
        """Wrap an app.

        Args:
            app: What answers the requests.
            live: Where the limits stand.
            inspections: What to do with each whole body of an HTTP request.
        """
        self.app = app
        self.live = live
        self.inspections = inspections

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass a request on with its body, or answer 400, 408 or 413."""
        if scope["type"] != "http":
            return self.app(scope, receive, send)
        return self._read_and_pass_on(scope, receive, send)

    async def _read_and_pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        server = self.live.current.server
        try:
            messages = await _read(
                scope, receive, int(server.max_body_mib * MIB), server.client_timeout_s or None
            )
            body = b"".join(message.get("body", b"") for message in messages)
            for inspect in self.inspections:
                scope = inspect(scope, body)
        except RefusedBodyError as refused:
            error = error_body(str(refused), "invalid_request_error", 400)
            await send_error(scope, receive, send, status=400, body=error)
        except _TooLargeError:
            message = f"The request is larger than {server.max_body_mib:g} MiB."
            await _refuse(scope, receive, send, 413, message)
        except TimeoutError:
            message = f"Nothing of the request came for {server.client_timeout_s:g} s."
            await _refuse(scope, receive, send, 408, message)
        else:
            await self.app(scope, replay(messages, receive), send)


class _TooLargeError(Exception):
    """The body is larger than it may be."""


async def _read(
    scope: Scope, receive: Receive, most_bytes: int, timeout_s: float | None
) -> list[Message]:
    """The messages of the body.

    Raises:
        _TooLargeError: it is too large; where its length is told, nothing of it is read.
        TimeoutError: the client took too long for a piece of it.
    """
    if _told_length(scope) > most_bytes:
        raise _TooLargeError
    messages: list[Message] = []
    size = 0
    while not messages or is_unfinished(messages[-1]):
        async with asyncio.timeout(timeout_s):
            messages.append(await receive())
        size += len(messages[-1].get("body", b""))
        if size > most_bytes:
            raise _TooLargeError
    return messages


def _told_length(scope: Scope) -> int:
    for name, told in scope["headers"]:
        if name == b"content-length":
            return int(told) if told.isdigit() else 0
    return 0


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, message: str) -> None:
    body = error_body(message, "invalid_request_error", status)
    # What is left of the body would be read as the next request.
    headers = {"Connection": "close"}
    await send_error(scope, receive, send, status=status, body=body, headers=headers)
