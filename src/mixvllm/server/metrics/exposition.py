"""The answer to Prometheus: the engine's metrics as it gives them, and ours behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from mixvllm.server.engine import ASGIApp
from mixvllm.server.metrics.engine_metrics import ask_engine
from mixvllm.server.metrics.family import CONTENT_TYPE
from mixvllm.server.metrics.traffic import Traffic


class Metrics(Protocol):
    """What one process of the server measures, and what the whole server does."""

    @property
    def traffic(self) -> Traffic:
        """The HTTP requests of this process."""

    async def ours(self) -> str:
        """The metrics of the whole server, without the engine's, as text."""


@dataclass(frozen=True)
class Exposition:
    """An answer to Prometheus."""

    text: bytes
    content_type: str


async def expose(metrics: Metrics, app: ASGIApp | None, query: bytes = b"") -> Exposition:
    """The answer of this process.

    Args:
        metrics: What is measured.
        app: The engine's app while it takes requests.
        query: The query of the request, which is the engine's to understand.
    """
    ours = (await metrics.ours()).encode()
    theirs = await ask_engine(app, query) if app is not None else None
    if theirs is None:
        return Exposition(ours, CONTENT_TYPE)
    text = theirs.text if theirs.text.endswith(b"\n") else theirs.text + b"\n"
    return Exposition(text + ours, theirs.content_type)
