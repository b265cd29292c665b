"""What the HTTP side reads of the server: the supervisor has it, each API worker a copy."""

from __future__ import annotations

from typing import Protocol

from mixvllm.server.engine import ASGIApp, Engine
from mixvllm.server.interruption import Interruption
from mixvllm.server.lifecycle import Lifecycle
from mixvllm.server.live_settings import LiveSettings
from mixvllm.server.metrics.exposition import Metrics
from mixvllm.server.prediction import Prediction
from mixvllm.server.requests_in_flight import RequestsInFlight


class ServerState(Protocol):
    """The state of a server."""

    @property
    def live(self) -> LiveSettings:
        """The settings that are in force."""

    @property
    def lifecycle(self) -> Lifecycle:
        """Its phases."""

    @property
    def engine(self) -> Engine | None:
        """The engine while it serves."""

    @property
    def app(self) -> ASGIApp | None:
        """The engine's HTTP app while it takes requests."""

    @property
    def requests(self) -> RequestsInFlight:
        """The requests that are being answered."""

    @property
    def metrics(self) -> Metrics:
        """What is measured."""

    @property
    def restarts(self) -> int:
        """How often a dead engine was replaced."""

    @property
    def prediction(self) -> Prediction:
        """What the engine is expected to report."""

    @property
    def engine_pids(self) -> tuple[int, ...]:
        """The processes of the engine."""

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """The processes that answer in place of the one of `mixvllm serve`, if there are any."""

    @property
    def interruption(self) -> Interruption | None:
        """Why requests in flight are being ended, if they are."""

    @property
    def death(self) -> Interruption:
        """What clients are told if the engine dies now."""
