"""The id of a request: the client's own or a new one, in logs, towards vLLM and in the answer."""

from __future__ import annotations

import random
import re
from collections.abc import Awaitable
from dataclasses import dataclass

from mixvllm.server.engine import ASGIApp, Message, Receive, Scope, Send

HEADER = b"x-request-id"
KEY = "mixvllm.request_id"
# It stands in logs and in the names of vLLM's requests; trace ids of clouds have `=`, `/`, `+`.
SAFE = re.compile(rb"[A-Za-z0-9._:=+/@-]{1,128}")
BEGINNINGS = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})
OWN_FIELD = b'"request_id"'


@dataclass(frozen=True)
class RequestIdentity:
    """The id of a request.

    Attributes:
        value: The id.
        is_new: Whether it was made here.
    """

    value: str
    is_new: bool


def request_id_of(scope: Scope) -> str | None:
    """The id of a request that `RequestId` has seen."""
    identity: RequestIdentity | None = scope.get(KEY)
    return identity.value if identity else None


class RequestId:
    """Gives every request an id, and puts it on its answer, whoever gives that."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass a request on under its id."""
        if scope["type"] == "lifespan":
            return self.app(scope, receive, send)
        given = next((value for name, value in scope["headers"] if name == HEADER), b"")
        is_new = SAFE.fullmatch(given) is None
        value = b"%032x" % random.getrandbits(128) if is_new else given
        others = [each for each in scope["headers"] if each[0] != HEADER]
        identified = {
            **scope,
            "headers": [*others, (HEADER, value)],
            KEY: RequestIdentity(value.decode("ascii"), is_new),
        }
        return self.app(identified, receive, _naming(send, value))


def _naming(send: Send, value: bytes) -> Send:
    """A `send` that puts the id on the head of the answer."""

    # Not a coroutine of its own: a stream passes here with each of its pieces.
    def named(message: Message) -> Awaitable[None]:
        if message["type"] in BEGINNINGS:
            others = [each for each in message.get("headers", ()) if each[0].lower() != HEADER]
            message = {**message, "headers": [*others, (HEADER, value)]}
        return send(message)

    return named


def leave_id_to_body(scope: Scope, body: bytes) -> Scope:
    """An inspection: leaves a `request_id` in the body to vLLM, for which a header would win.

    Only where the client sent no header: an id of its own is what it wants to be called by.
    """
    identity: RequestIdentity | None = scope.get(KEY)
    if identity is None or not identity.is_new or OWN_FIELD not in body:
        return scope
    return {**scope, "headers": [each for each in scope["headers"] if each[0] != HEADER]}
