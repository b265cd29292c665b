"""A shipped server without a process: the SDK's client in front of the server object."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from mcp import Client
from mcp.server.mcpserver import MCPServer


class Asked:
    """The servers' answers: JSON where they are, and errors as text."""

    def __init__(self, server: MCPServer) -> None:
        self.server = server

    async def text(self, tool: str, **arguments: Any) -> tuple[bool, str]:
        async with Client(self.server) as client:
            result = await client.call_tool(tool, arguments)
        (part,) = result.model_dump(by_alias=True)["content"]
        return result.is_error, part["text"]

    async def value(self, tool: str, **arguments: Any) -> Any:
        is_error, text = await self.text(tool, **arguments)
        assert not is_error, text
        return json.loads(text)

    async def error(self, tool: str, **arguments: Any) -> str:
        is_error, text = await self.text(tool, **arguments)
        assert is_error, text
        return text.removeprefix(f"Error executing tool {tool}: ")


@pytest.fixture
def ask() -> Callable[[MCPServer], Asked]:
    return Asked
