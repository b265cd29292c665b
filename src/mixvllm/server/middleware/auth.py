"""The key that every request must carry, whatever the route."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Iterable
from typing import TYPE_CHECKING

from mixvllm.server.engine import ASGIApp, Receive, Scope, Send
from mixvllm.server.openai_errors import error_body, send_error

if TYPE_CHECKING:
    from mixvllm.server.live_settings import LiveSettings

# What load balancers and container runtimes ask, who carry no key; they tell nothing else.
OPEN_PATHS = frozenset({"/health", "/live"})


class Authentication:
    """Refuses requests without the key: `Authorization: Bearer KEY` or `x-api-key: KEY`."""

    def __init__(self, app: ASGIApp, live: LiveSettings) -> None:
        self.app = app
        self.live = live

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass a request on, or answer 401."""
        key = self.live.current.server.api_key
        if (
            key is None
            or scope["type"] == "lifespan"
            or self._is_open(scope)
            or _has_key(scope, key.get_secret_value())
        ):
            return self.app(scope, receive, send)
        return send_error(
            scope,
            receive,
            send,
            status=401,
            body=error_body(
                "This server asks for a key: send `Authorization: Bearer <key>`.",
                "invalid_request_error",
                401,
            ),
            headers={"WWW-Authenticate": "Bearer"},
        )

    def _is_open(self, scope: Scope) -> bool:
        if scope["type"] != "http":
            return False
        # `vllm: {allowed_origins: ...}` lets pages of other sites ask.
        serves_browsers = bool(self.live.current.vllm.get("allowed_origins"))
        return scope["path"] in OPEN_PATHS or (serves_browsers and _is_preflight(scope))


def _has_key(scope: Scope, expected: str) -> bool:
    # Digests are of one length and compared in constant time, so that the time an answer takes
    # tells nothing about the key.
    digest = _digest(expected.encode())
    given = _keys_in(scope.get("headers", ()))
    matches = [hmac.compare_digest(_digest(key), digest) for key in given]
    return any(matches)


def _is_preflight(scope: Scope) -> bool:
    """Whether a browser asks what it may send: by the CORS rules that question bears no key."""
    names = {name for name, _ in scope["headers"]}
    return scope["method"] == "OPTIONS" and names >= {b"origin", b"access-control-request-method"}


def _keys_in(headers: Iterable[tuple[bytes, bytes]]) -> Iterable[bytes]:
    for name, value in headers:
        if name == b"x-api-key":
            yield value.strip()
        elif name == b"authorization":
            scheme, _, key = value.strip().partition(b" ")
            if scheme.lower() == b"bearer":
                yield key.strip()


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
