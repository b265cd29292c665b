"""A conversation with a scripted server, and the tools of the tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from mixvllm.chat.api_client import ApiClient
from mixvllm.chat.conversation import Conversation
from mixvllm.chat.endpoint import endpoint_at
from mixvllm.chat.events import Event
from mixvllm.chat.served_model import ServedModel
from mixvllm.chat.tool_round import Permissions
from mixvllm.chat.tools import Tool, ToolResult
from tests.chat.scripted_server import MODEL, ScriptedServer

E = TypeVar("E")
Run = Callable[[Mapping[str, Any]], Awaitable[ToolResult]]


class Tools:
    """A toolbox of plain functions."""

    def __init__(self, **functions: Run) -> None:
        self.functions = functions
        self.called: list[tuple[str, Mapping[str, Any]]] = []

    def tools(self) -> Sequence[Tool]:
        return [Tool(name, "test", f"The {name}.", {"type": "object"}) for name in self.functions]

    async def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        self.called.append((name, arguments))
        return await self.functions[name](arguments)


async def echo(arguments: Mapping[str, Any]) -> ToolResult:
    """What was given, back again."""
    return ToolResult(f"got {dict(arguments)}")


@asynccontextmanager
async def talk(server: ScriptedServer, **options: Any) -> AsyncIterator[Conversation]:
    """A conversation with the server's one model; everything is allowed unless said otherwise."""
    options.setdefault("permissions", Permissions(allow_all=True))
    model = options.pop("model", ServedModel(MODEL, 4096))
    async with ApiClient(endpoint_at(server.url)) as client:
        yield Conversation(client, model, **options)


async def all_of(events: AsyncIterator[Event]) -> list[Event]:
    """What happened, from the beginning to the end."""
    return [event async for event in events]


def of_type(events: Sequence[Event], kind: type[E]) -> list[E]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]
