"""Our own routes: /health, /live, /status, /metrics, /openapi.json, /docs."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from mixvllm.server.interruption import RETRY_AFTER_S
from mixvllm.server.lifecycle import Phase
from mixvllm.server.live_settings import LiveSettings
from mixvllm.server.metrics.exposition import expose
from mixvllm.server.openapi import merge
from mixvllm.server.state import ServerState
from mixvllm.server.status import ServerStatus, describe


def create_router(settings: LiveSettings, supervisor: ServerState) -> APIRouter:
    """The routes of one server."""
    router = APIRouter(tags=["mixvllm"])

    @router.head("/health", include_in_schema=False)
    @router.get("/health", responses={503: {"description": "Not ready; the body says why."}})
    async def health() -> JSONResponse:
        """Whether requests are answered: 200 when ready, else 503."""
        phase = supervisor.lifecycle.phase
        # An engine may be dead a moment before anybody has looked.
        if phase is Phase.READY and supervisor.interruption is None:
            return JSONResponse({"phase": str(phase)})
        headers = {"Retry-After": str(RETRY_AFTER_S)}
        return JSONResponse({"phase": str(phase)}, status_code=503, headers=headers)

    @router.head("/live", include_in_schema=False)
    @router.get("/live")
    async def live() -> JSONResponse:
        """Whether the process answers at all: always 200."""
        return JSONResponse({"phase": str(supervisor.lifecycle.phase)})

    @router.get("/status")
    async def status() -> ServerStatus:
        """What the server is doing, how far it is, and with which settings."""
        return describe(supervisor, settings.current)

    @router.get("/metrics", response_class=PlainTextResponse)
    async def metrics(request: Request) -> Response:
        """Prometheus metrics: the engine's own while there is one, and the server's."""
        query = request.scope["query_string"]
        shown = await expose(supervisor.metrics, supervisor.app, query)
        return Response(shown.text, headers={"Content-Type": shown.content_type})

    @router.get("/openapi.json", include_in_schema=False)
    async def openapi(request: Request) -> JSONResponse:
        engine, ours = supervisor.engine, request.app.openapi()
        engines: dict[str, Any] | None = None
        if engine is not None and supervisor.app is not None:
            engines = await asyncio.to_thread(engine.openapi)
        return JSONResponse(merge(ours, engines))

    @router.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(openapi_url="openapi.json", title="mixvllm")

    return router
