"""The key that every request must carry, whatever the route."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from mixvllm.server.engine import ASGIApp, Receive, Scope, Send
from mixvllm.server.openai_errors import error_body, send_error

# What load balancers and container runtimes ask, who carry no key; they tell nothing else.
OPEN_PATHS = frozenset({"/health", "/live"})


class Authentication:
    """Refuses requests without the key: `Authorization: Bearer KEY` or `x-api-key: KEY`."""

    def __init__(self, app: ASGIApp, key: str, *, serves_browsers: bool) -> None:
        """Take the key once.

        Args:
            app: What answers the requests.
            key: The key.
            serves_browsers: Whether other sites' pages may ask (`vllm: {allowed_origins: ...}`).
        """
        self.app = app
        self.digest = _digest(key.encode())
        self.serves_browsers = serves_browsers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 401."""
        if scope["type"] == "lifespan" or self._is_open(scope) or self._has_key(scope):
            await self.app(scope, receive, send)
            return
        await send_error(
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
        return scope["path"] in OPEN_PATHS or (self.serves_browsers and _is_preflight(scope))

    def _has_key(self, scope: Scope) -> bool:
        # Digests are of one length and compared in constant time, so that the time an answer
        # takes tells nothing about the key.
        matches = [
            hmac.compare_digest(_digest(key), self.digest)
            for key in _keys_in(scope.get("headers", ()))
        ]
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
