"""An MCP server on a loopback port, by the SDK: streamable HTTP at /mcp, SSE at /sse.

It prints its port. Below /private it wants a key, and /hangs never answers.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator

import anyio
import uvicorn
from mcp.server.mcpserver import MCPServer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

server = MCPServer("stand-in", log_level="ERROR")


@server.tool()
def echo(text: str) -> str:
    """Say it again."""
    return f"echo: {text}"


@server.tool()
async def slow() -> str:
    """Take a minute."""
    await anyio.sleep(60)
    return "done"


@server.tool()
def die() -> str:
    """End the whole server."""
    os._exit(3)


async def hang(request: Request) -> Response:
    await anyio.sleep(60)
    return PlainTextResponse("late")


class Guarded:
    """Everything below /private wants a key."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/private"):
            headers = dict(scope["headers"])
            if headers.get(b"authorization") != b"Bearer open-sesame":
                await PlainTextResponse("no", status_code=401)(scope, receive, send)
                return
            scope = {**scope, "path": "/mcp"}
        await self.app(scope, receive, send)


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    async with server.session_manager.run():
        yield


if __name__ == "__main__":
    routes = [*server.streamable_http_app().routes, *server.sse_app().routes]
    routes.append(Route("/hangs", hang, methods=["GET", "POST"]))
    app = Guarded(Starlette(routes=routes, lifespan=lifespan))
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0))
    sock.listen()
    print(sock.getsockname()[1], flush=True)
    config = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[sock])
