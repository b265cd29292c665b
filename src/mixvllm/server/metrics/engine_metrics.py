"""The engine's own metrics, asked of its HTTP app as a scraper would."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

from mixvllm.server.engine import ASGIApp, Message, Scope

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class EngineMetrics:
    """What the engine's app answered."""

    text: bytes
    content_type: str


async def ask_engine(app: ASGIApp, query: bytes = b"") -> EngineMetrics | None:
    """The metrics of the engine's app; None where it gives none, and the log has the reason.

    Args:
        app: The engine's app.
        query: The query of the request: `name[]=...` asks for some metrics only.
    """
    answer = _Answer()
    try:
        await app(_request(query), answer.receive, answer.send)
    except Exception:
        LOG.exception("The engine's metrics could not be read.")
        return None
    if answer.status != 200:
        LOG.debug("The engine has no metrics: /metrics is answered with %s.", answer.status)
        return None
    return EngineMetrics(b"".join(answer.pieces), answer.content_type)


def _request(query: bytes) -> Scope:
    # Without `Accept` and `Accept-Encoding` the answer is text that ours can follow.
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/metrics",
        "raw_path": b"/metrics",
        "root_path": "",
        "query_string": query,
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 0),
    }


@dataclass
class _Answer:
    """What comes back, piece by piece."""

    status: int = 0
    content_type: str = ""
    pieces: list[bytes] = field(default_factory=list)
    _is_asked: bool = False

    async def receive(self) -> Message:
        if self._is_asked:
            await asyncio.Event().wait()  # the client never goes away
        self._is_asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.content_type = dict(message["headers"]).get(b"content-type", b"").decode()
        elif message["type"] == "http.response.body":
            self.pieces.append(message.get("body", b""))
