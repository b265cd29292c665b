"""Counts and times every request, writes the access log, and words what nobody expected."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable
from urllib.parse import quote

from mixvllm.server.engine import ASGIApp, Message, Receive, Scope, Send
from mixvllm.server.logs import ACCESS_LOG
from mixvllm.server.metrics.route_names import route_of
from mixvllm.server.metrics.traffic import Traffic
from mixvllm.server.middleware.request_id import request_id_of
from mixvllm.server.openai_errors import error_body, send_error

LOG = logging.getLogger(__name__)
ACCESS = logging.getLogger(ACCESS_LOG)
CLIENT_GONE = 499
UNEXPECTED = "The server made a mistake. Its log has the reason, under the id of this request."


class Accounting:
    """Sees every HTTP request from its head to the end of its answer."""

    def __init__(self, app: ASGIApp, traffic: Traffic) -> None:
        self.app = app
        self.traffic = traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; what it raises is logged, and answered with 500 if it still can be."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0

        # Not a coroutine of its own: a stream passes here with each of its pieces.
        def seen(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            return send(message)

        try:
            await self.app(scope, receive, seen)
        except Exception:
            LOG.exception(
                "%s %s failed.", *_asked(scope), extra={"request_id": request_id_of(scope)}
            )
            if not status:
                body = error_body(UNEXPECTED, "internal_server_error", 500)
                await send_error(scope, receive, seen, status=500, body=body)
            # An answer that has begun and is not whole has uvicorn cut the connection.
        finally:
            took_s = time.perf_counter() - began
            self.traffic.count(route_of(scope["path"]), status or CLIENT_GONE, took_s)
            if ACCESS.isEnabledFor(logging.INFO):
                _log_access(scope, status or CLIENT_GONE, took_s)


def _log_access(scope: Scope, status: int, took_s: float) -> None:
    client = "{}:{}".format(*scope["client"]) if scope.get("client") else "-"
    method, path = _asked(scope)
    ACCESS.info(
        "%s %s %s %d %.3f s",
        client,
        method,
        path,
        status,
        took_s,
        extra={
            "request_id": request_id_of(scope),
            "data": {
                "client": client,
                "method": method,
                "path": path,
                "status": status,
                "duration_s": round(took_s, 6),
            },
        },
    )


def _asked(scope: Scope) -> tuple[str, str]:
    """Method and path as a line of a log takes them; without the query, which may hold a key."""
    return scope["method"], quote(scope["path"])
