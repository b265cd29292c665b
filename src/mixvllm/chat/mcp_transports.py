"""The ways to an MCP server, as the SDK's transports: pipes of a process, streamable HTTP, SSE."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2
import mcp_types
from anyio.abc import ObjectSendStream
from mcp.client import Transport
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage

from mixvllm.chat.mcp_process import ServerProcess
from mixvllm.server.address import is_loopback
from mixvllm.settings.mcp_servers import McpServer

# A stream of events may be silent for as long as nobody asks for anything.
SILENCE_S = 24 * 3600.0


def over_http(server: McpServer, statuses: list[int]) -> Transport:
    """The transport to a server on a port.

    Args:
        server: The server.
        statuses: Gets the status of each request that was refused, which the SDK does not tell.
    """
    url = server.url or ""
    client = partial(_http_client, statuses, url)
    if server.way == "sse":
        return sse_client(
            url,
            headers=server.headers,
            timeout=server.timeout_s,
            sse_read_timeout=SILENCE_S,
            httpx_client_factory=client,
        )
    timeout = httpx2.Timeout(server.timeout_s, read=SILENCE_S)
    return _over_streamable_http(url, client(server.headers, timeout))


@asynccontextmanager
async def over_pipes(process: ServerProcess, lost: asyncio.Event) -> AsyncIterator[Any]:
    """The transport to a process of ours, which the SDK's own could not end soon enough.

    Args:
        process: The process.
        lost: Set when it writes no more.
    """
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


@asynccontextmanager
async def _over_streamable_http(url: str, client: httpx2.AsyncClient) -> AsyncIterator[Any]:
    async with client, streamable_http_client(url, http_client=client) as streams:
        yield streams


def _http_client(
    statuses: list[int],
    url: str,
    headers: dict[str, str] | None = None,
    timeout: httpx2.Timeout | None = None,
    auth: httpx2.Auth | None = None,
) -> httpx2.AsyncClient:
    async def note(response: httpx2.Response) -> None:
        if response.is_error:
            statuses.append(response.status_code)

    return httpx2.AsyncClient(
        headers=headers,
        timeout=timeout,
        auth=auth,
        event_hooks={"response": [note]},
        # Between this machine and itself stands no proxy, whatever the environment names.
        trust_env=not is_loopback(urlsplit(url).hostname or ""),
    )
