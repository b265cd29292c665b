"""A session with one MCP server: opened, asked, and what the SDK raises as one line.

Loading the SDK takes more than a second: whoever needs this module imports it when it does.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx2
import mcp_types
from mcp import Client, MCPError
from mcp.client import IncomingMessage
from pydantic import ValidationError

import mixvllm
from mixvllm.chat.mcp_errors import ConnectionLost, ServerFailure, cause_of, one_line, shown_url
from mixvllm.chat.mcp_process import ServerProcess
from mixvllm.chat.mcp_transports import over_http, over_pipes
from mixvllm.settings.mcp_servers import McpServer

MOST_PAGES = 100
# How a server answers the greeting that knows only the newer language.
NO_GREETING = (mcp_types.UNSUPPORTED_PROTOCOL_VERSION, mcp_types.METHOD_NOT_FOUND)
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


@dataclass(frozen=True)
class Signs:
    """What happens to a session without being asked for.

    Attributes:
        lost: Set when the server is gone.
        tools_changed: Set when it says that it offers other tools now.
        statuses: How it refused requests, over HTTP.
    """

    lost: asyncio.Event = field(default_factory=asyncio.Event)
    tools_changed: asyncio.Event = field(default_factory=asyncio.Event)
    statuses: list[int] = field(default_factory=list)

    async def hear(self, message: IncomingMessage) -> None:
        """Take what the server says of its own accord."""
        if isinstance(message, mcp_types.ToolListChangedNotification):
            self.tools_changed.set()


class Connection:
    """An open session.

    Attributes:
        tools: What the server offers.
        tools_changed: Set when the server says that it offers others now.
        lost: Set when the server is gone.
    """

    def __init__(
        self,
        client: Client,
        tools: tuple[OfferedTool, ...],
        signs: Signs,
        words_for: Callable[[MCPError], str],
    ) -> None:
        self._client = client
        self._words_for = words_for
        self.tools = tools
        self.tools_changed = signs.tools_changed
        self.lost = signs.lost

    async def list_again(self) -> None:
        """Ask for the tools once more; where that fails, those of before stay."""
        self.tools_changed.clear()
        with suppress(MCPError, ValidationError, RuntimeError):
            self.tools = await _tools_of(self._client)

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
            raise ServerFailure(self._words_for(error)) from error
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
    signs = Signs()
    try:
        async with AsyncExitStack() as stack:
            client = await _open(stack, server, process, signs)
            tools = await _tools_of(client)
            signs.statuses.clear()
            words_for = partial(_answer_in_words, server=server, statuses=signs.statuses)
            yield Connection(client, tools, signs, words_for)
    except Exception as error:
        raise _failure(cause_of(error), server, signs.statuses) from error
    finally:
        signs.lost.set()


async def _open(
    stack: AsyncExitStack, server: McpServer, process: ServerProcess | None, signs: Signs
) -> Client:
    """A client in the newest language that both speak.

    Over HTTP the SDK may ask for it. Over pipes the first message must be the old greeting: many
    servers end, or say nothing for ever, when it is another. Those that know only the new one
    answer the greeting with an error.
    """

    def client(mode: str) -> Client:
        pipes = process and over_pipes(process, signs.lost)
        info = mcp_types.Implementation(name="mixvllm", version=mixvllm.__version__)
        return Client(
            pipes or over_http(server, signs.statuses),
            client_info=info,
            cache=None,
            mode=mode,
            message_handler=signs.hear,
        )

    if server.way == "http":
        return await stack.enter_async_context(client("auto"))
    try:
        return await stack.enter_async_context(client("legacy"))
    except Exception as error:
        cause = cause_of(error)
        if not isinstance(cause, MCPError) or cause.code not in NO_GREETING:
            raise
    return await stack.enter_async_context(client("auto"))


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
        return ServerFailure(_answer_in_words(error, server, statuses))
    return ServerFailure(one_line(f"failed: {type(error).__name__}: {error}", server))


def _answer_in_words(error: MCPError, server: McpServer, statuses: list[int]) -> str:
    refusal = _refusal(server, statuses)
    return refusal or f"answered with an error: {one_line(error.message, server)}"


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
