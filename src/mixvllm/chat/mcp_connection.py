"""A session with one MCP server, over pipes, streamable HTTP or SSE: all that we know of the SDK.

Loading the SDK takes more than a second: whoever needs this module imports it when it does.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio
import httpx2
import mcp_types
from anyio.abc import ObjectSendStream
from mcp import Client, MCPError
from mcp.client import Transport
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

import mixvllm
from mixvllm.chat.mcp_errors import ConnectionLost, ServerFailure, cause_of, one_line, shown_url
from mixvllm.chat.mcp_process import ServerProcess
from mixvllm.settings.mcp_servers import McpServer

MOST_PAGES = 100
# A stream of events may be silent for as long as nobody asks for anything.
SILENCE_S = 24 * 3600.0
# What the SDK makes of a session that the server has forgotten.
SESSION_GONE = "Session terminated"
# How a server answers that speaks another transport.
OTHER_TRANSPORT_STATUSES = (400, 404, 405)
SDK_LOGGERS = ("mcp", "client", "httpx2")


@dataclass(frozen=True)
class OfferedTool:
    """One tool as its server tells of it.

    Attributes:
        name: Its name on the server.
        description: What it does.
        input_schema: JSON Schema of its arguments.
        is_repeatable: Whether a second call does no harm, by its own word.
    """

    name: str
    description: str
    input_schema: Mapping[str, Any]
    is_repeatable: bool


class Connection:
    """An open session.

    Attributes:
        tools: What the server offers.
        lost: Set when the server is gone.
    """

    def __init__(
        self,
        client: Client,
        tools: tuple[OfferedTool, ...],
        lost: asyncio.Event,
        refused: Callable[[], str | None],
    ) -> None:
        self._client = client
        self._refused = refused
        self.tools = tools
        self.lost = lost

    async def call(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call a tool; the answer is MCP's `CallToolResult` as JSON data.

        Raises:
            ConnectionLost: the server went away.
            ServerFailure: it refused the call, or answered what is no result.
        """
        try:
            result = await self._client.call_tool(name, dict(arguments))
        except MCPError as error:
            is_gone = error.message == SESSION_GONE
            if is_gone or error.code == mcp_types.CONNECTION_CLOSED:
                self.lost.set()
                line = "has ended the session" if is_gone else "closed the connection"
                raise ConnectionLost(line, never_ran=is_gone) from error
            words = self._refused() or f"answered with an error: {one_line(error.message)}"
            raise ServerFailure(words) from error
        except ValidationError as error:
            raise ServerFailure("answered with what is no result of a tool") from error
        except RuntimeError as error:
            raise ServerFailure(one_line(str(error))) from error
        return result.model_dump(mode="json", by_alias=True, exclude_none=True)


@asynccontextmanager
async def connect(server: McpServer, process: ServerProcess | None) -> AsyncIterator[Connection]:
    """Open a session with a server, with its tools listed; enter and leave it in one task.

    Args:
        server: The server.
        process: Its process, where it was started here.

    Raises:
        ServerFailure: it cannot be opened, or broke; nothing else is raised, however nested
            the SDK raises it.
    """
    for name in SDK_LOGGERS:  # what it logs would be printed where nobody asked for it
        logging.getLogger(name).addHandler(logging.NullHandler())
    lost = asyncio.Event()
    statuses: list[int] = []
    transport = _over_pipes(process, lost) if process else _over_http(server, statuses)
    info = mcp_types.Implementation(name="mixvllm", version=mixvllm.__version__)
    try:
        async with Client(transport, client_info=info, cache=None) as client:
            tools = await _tools_of(client)
            statuses.clear()
            yield Connection(client, tools, lost, lambda: _refusal(server, statuses))
    except Exception as error:
        raise _failure(cause_of(error), server, statuses) from error
    finally:
        lost.set()


async def _tools_of(client: Client) -> tuple[OfferedTool, ...]:
    """All pages of its tools."""
    tools: list[OfferedTool] = []
    cursor = None
    for _ in range(MOST_PAGES):
        try:
            page = await client.list_tools(cursor=cursor)
        except MCPError as error:
            if error.code == mcp_types.METHOD_NOT_FOUND:
                return ()
            raise
        tools += [_offered(tool) for tool in page.tools]
        cursor = page.next_cursor
        if cursor is None:
            break
    return tuple(tools)


def _offered(tool: mcp_types.Tool) -> OfferedTool:
    hints = tool.annotations
    repeatable = bool(hints and (hints.read_only_hint or hints.idempotent_hint))
    return OfferedTool(tool.name, tool.description or "", tool.input_schema, repeatable)


def _over_http(server: McpServer, statuses: list[int]) -> Transport:
    if server.way == "sse":
        return sse_client(
            server.url or "",
            headers=server.headers,
            timeout=server.timeout_s,
            sse_read_timeout=SILENCE_S,
            httpx_client_factory=partial(_http_client, statuses),
        )
    timeout = httpx2.Timeout(server.timeout_s, read=SILENCE_S)
    client = _http_client(statuses, server.headers, timeout)
    return _over_streamable_http(server.url or "", client)


@asynccontextmanager
async def _over_streamable_http(url: str, client: httpx2.AsyncClient) -> AsyncIterator[Any]:
    async with client, streamable_http_client(url, http_client=client) as streams:
        yield streams


def _http_client(
    statuses: list[int],
    headers: dict[str, str] | None = None,
    timeout: httpx2.Timeout | None = None,
    auth: httpx2.Auth | None = None,
) -> httpx2.AsyncClient:
    """A client that notes how requests were refused, which the SDK does not tell."""

    async def note(response: httpx2.Response) -> None:
        if response.is_error:
            statuses.append(response.status_code)

    return httpx2.AsyncClient(
        headers=headers, timeout=timeout, auth=auth, event_hooks={"response": [note]}
    )


@asynccontextmanager
async def _over_pipes(process: ServerProcess, lost: asyncio.Event) -> AsyncIterator[Any]:
    """The SDK's transport over a process of ours, which the SDK could not end soon enough."""
    arriving, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, leaving = anyio.create_memory_object_stream[SessionMessage](0)

    async def write() -> None:
        async for item in leaving:
            text = item.message.model_dump_json(by_alias=True, exclude_unset=True)
            process.write(text.encode())

    async with arriving, incoming, outgoing, leaving, anyio.create_task_group() as group:
        group.start_soon(_read, process, arriving, lost)
        group.start_soon(write)
        yield incoming, outgoing
        group.cancel_scope.cancel()


async def _read(
    process: ServerProcess,
    arriving: ObjectSendStream[SessionMessage | Exception],
    lost: asyncio.Event,
) -> None:
    async with arriving:
        async for line in process.lines():
            try:
                message = mcp_types.jsonrpc_message_adapter.validate_json(line, by_name=False)
            except ValueError:
                process.note_stray(line)
                continue
            try:
                await arriving.send(SessionMessage(message))
            except (anyio.ClosedResourceError, anyio.BrokenResourceError):
                return
    lost.set()


def _failure(error: BaseException, server: McpServer, statuses: list[int]) -> ServerFailure:
    """Any error of the SDK as a line."""
    if isinstance(error, ServerFailure):
        return error
    where = shown_url(server.url) if server.url else "it"
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        reason = "no answer" if isinstance(error, httpx2.ConnectTimeout) else _reason(error)
        return ConnectionLost(f"cannot be reached at {where}: {reason}", never_ran=True)
    if isinstance(error, httpx2.TransportError):
        return ConnectionLost(one_line(f"broke the connection: {error}", server))
    if refusal := _refusal(server, statuses):
        return ServerFailure(refusal)
    if isinstance(error, MCPError):
        if error.code == mcp_types.CONNECTION_CLOSED:
            return ConnectionLost("closed the connection")
        return ServerFailure(f"answered with an error: {one_line(error.message, server)}")
    return ServerFailure(one_line(f"failed: {type(error).__name__}: {error}", server))


def _reason(error: Exception) -> str:
    """Why a connection could not be made, in the system's words."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno).lower()
        cause = cause.__cause__ or cause.__context__
    return one_line(str(error)) or type(error).__name__


def _refusal(server: McpServer, statuses: list[int]) -> str | None:
    """How the last request was refused, if one was; told once."""
    if not statuses:
        return None
    status = statuses[-1]
    statuses.clear()
    words = httpx2.codes.get_reason_phrase(status)
    hint = ""
    if status in (401, 403):
        hint = "; set its `headers:`"
    elif status in OTHER_TRANSPORT_STATUSES:
        other = "sse" if server.way == "http" else "http"
        hint = f"; is the URL right, or is it a server for `transport: {other}`?"
    return f"answered {status} {words}".strip() + hint
