"""Where a request goes: our own routes, the engine's app, or a polite "not yet"."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from mixvllm.server.engine import ASGIApp, Receive, Scope, Send
from mixvllm.server.interruption import RETRY_AFTER_S, STOPPING
from mixvllm.server.lifecycle import Phase
from mixvllm.server.openai_errors import error_body, send_error
from mixvllm.server.state import ServerState


class EngineSwitch:
    """Sends our own paths to our routes and all others to the engine, whose app stays whole."""

    def __init__(
        self,
        app: ASGIApp,
        supervisor: ServerState,
        is_ours: Callable[[str], bool],
        before_engine: Callable[[ASGIApp], ASGIApp],
    ) -> None:
        """Take both sides.

        Args:
            app: Our own routes.
            supervisor: Who has the engine's app while there is one.
            is_ours: Whether a path is one of our routes.
            before_engine: Wraps the engine's app in the middleware that is for it alone.
        """
        self.app = app
        self.supervisor = supervisor
        self.is_ours = is_ours
        self.engine_app = before_engine(self._ask_engine)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass a request on, or answer 503."""
        if scope["type"] == "lifespan" or self.is_ours(scope["path"]):
            return self.app(scope, receive, send)
        if self.supervisor.app is None:
            return self._answer_not_ready(scope, receive, send)
        return self._pass_on_counted(scope, receive, send)

    async def _pass_on_counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self.supervisor.requests.one():
            await self.engine_app(scope, receive, send)

    def _ask_engine(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        app = self.supervisor.app
        if app is None:  # it went while the request's body was being read
            return self._answer_not_ready(scope, receive, send)
        return app(scope, receive, send)

    async def _answer_not_ready(self, scope: Scope, receive: Receive, send: Send) -> None:
        lifecycle = self.supervisor.lifecycle
        ending = lifecycle.phase in (Phase.DRAINING, Phase.STOPPED)
        message = STOPPING.message if ending else f"The model is not ready yet: {lifecycle.phase}."
        body = error_body(
            message,
            "service_unavailable",
            503,
            phase=str(lifecycle.phase),
            elapsed_s=round(lifecycle.elapsed_s, 3),
        )
        headers = {"Retry-After": str(RETRY_AFTER_S)}
        if ending:
            headers["Connection"] = "close"
        await send_error(scope, receive, send, status=503, body=body, headers=headers)
