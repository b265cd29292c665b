"""Errors of our own in OpenAI's shape."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from mixvllm.server.engine import Receive, Scope, Send


def error_body(message: str, kind: str, code: int, **beside: Any) -> dict[str, Any]:
    """The JSON document of an error; `beside` stands next to `error`."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}, **beside}


async def answer_http_error(request: Request, error: Exception) -> JSONResponse:
    """What our own routes refuse, such as a method that they do not have."""
    assert isinstance(error, HTTPException)
    body = error_body(f"{error.detail}.", "invalid_request_error", error.status_code)
    return JSONResponse(body, error.status_code, error.headers)


async def send_error(
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    status: int,
    body: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
) -> None:
    """Answer an HTTP request, or refuse a WebSocket, with an error."""
    if scope["type"] == "websocket":
        await _refuse_websocket(scope, receive, send, status, body, headers or {})
    else:
        await _respond(send, "http.response", status, body, headers or {})


async def _respond(
    send: Send, kind: str, status: int, body: Mapping[str, Any], headers: Mapping[str, str]
) -> None:
    content = json.dumps(body).encode()
    described = {"content-type": "application/json", "content-length": str(len(content))}
    raw = [(k.lower().encode(), v.encode()) for k, v in {**described, **headers}.items()]
    await send({"type": f"{kind}.start", "status": status, "headers": raw})
    await send({"type": f"{kind}.body", "body": content})


async def _refuse_websocket(
    scope: Scope,
    receive: Receive,
    send: Send,
    status: int,
    body: Mapping[str, Any],
    headers: Mapping[str, str],
) -> None:
    await receive()  # websocket.connect: a refusal may only follow it
    if "websocket.http.response" in scope.get("extensions", {}):
        await _respond(send, "websocket.http.response", status, body, headers)
    else:
        await send({"type": "websocket.close", "code": 1008})
