"""What the server asks of an engine; vLLM's is built in `mixvllm.vllm_internals`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Protocol

from mixvllm.server.lifecycle import Phase, Progress
from mixvllm.server.prediction import Prediction
from mixvllm.vllm_internals.facts import EngineFacts

if TYPE_CHECKING:
    from mixvllm.server.state import ServerState

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

StepReporter = Callable[[Phase, Progress], None]


class Engine(Protocol):
    """A loaded engine."""

    @property
    def facts(self) -> EngineFacts:
        """What it says of itself."""

    @property
    def pids(self) -> tuple[int, ...]:
        """Its processes."""

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """The processes that answer requests for it; none where this process does."""

    @property
    def errored(self) -> bool:
        """Whether it has died."""

    def describe_death(self) -> str | None:
        """How its processes ended, where that is known."""

    async def probe(self) -> None:
        """Return as soon as it answers; what it raises counts as an answer."""

    async def start(self, server: ServerState) -> ASGIApp:
        """Make its HTTP app; called once, on the loop that will serve it.

        Args:
            server: The server that it works for.
        """

    def openapi(self) -> dict[str, Any] | None:
        """The OpenAPI document of its HTTP app, or None if it shows none; may take a second."""

    def end_requests(self) -> None:
        """End the requests in flight with an error; called on the serving loop."""

    def shutdown(self, timeout_s: float) -> None:
        """End its processes; blocks."""


class EngineBuilder(Protocol):
    """Builds engines, the same one again and again."""

    @property
    def prediction(self) -> Prediction:
        """What its engines are expected to report, as far as that is known by now."""

    def build(self, on_step: StepReporter) -> Engine:
        """Load the engine; blocks, and is always called in the same thread.

        Args:
            on_step: Told how far it is, in that thread.

        Raises:
            Exception: it cannot be loaded.
        """
