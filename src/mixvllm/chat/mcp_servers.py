"""The tools of all MCP servers: started side by side, none in the way of another."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from mixvllm.chat.mcp_errors import ServerFailure
from mixvllm.chat.mcp_log import ServerLog
from mixvllm.chat.mcp_names import name_tools
from mixvllm.chat.mcp_process import Guard
from mixvllm.chat.mcp_results import MOST_CHARACTERS, cut, result_of
from mixvllm.chat.mcp_server import ServerLife
from mixvllm.chat.mcp_state import ServerState, Standing
from mixvllm.chat.tools import Tool, ToolResult
from mixvllm.directories import state_directory
from mixvllm.errors import ChatError
from mixvllm.settings.mcp_servers import McpServer

if TYPE_CHECKING:
    from mixvllm.chat.mcp_connection import OfferedTool

SDK = "mcp"
CONNECTION_MODULE = "mixvllm.chat.mcp_connection"


class McpToolbox:
    """The tools of MCP servers, as the model is told of them; an async context manager.

    Entering it starts all servers and waits until each is connected or has failed, which takes
    no longer than the longest `timeout_s`. Leaving it ends them within a few seconds.
    """

    def __init__(
        self,
        servers: Mapping[str, McpServer],
        *,
        most_characters: int = MOST_CHARACTERS,
        on_change: Callable[[ServerState], None] = lambda state: None,
        directory: Path | None = None,
    ) -> None:
        """Nothing is started yet.

        Args:
            servers: The servers by name.
            most_characters: Results beyond this are cut off, with a note.
            on_change: Told of every change of a server's state.
            directory: Where the servers' stderr is kept, instead of the state directory.
        """
        self._servers = servers
        self._most_characters = most_characters
        self._on_change = on_change
        self._directory = directory
        self._guard = Guard()
        self._lives: list[ServerLife] = []

    async def __aenter__(self) -> Self:
        """Start all servers.

        Raises:
            ChatError: the MCP SDK is not installed.
        """
        if not self._servers:
            return self
        if importlib.util.find_spec(SDK) is None:
            raise ChatError(
                "MCP servers need the package `mcp`, which is not installed.",
                hint='Install it: pip install "mixvllm[chat]"',
                code="chat-extra-missing",
            )
        directory = self._directory or state_directory() / "mcp"
        self._lives = [self._life(name, directory) for name in self._servers]
        # It takes more than a second, in which the servers can start.
        sdk: asyncio.Future[ModuleType] = asyncio.ensure_future(
            asyncio.to_thread(import_module, CONNECTION_MODULE)
        )
        try:
            await asyncio.gather(*(life.start(sdk) for life in self._lives))
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End all servers."""
        await self._end()

    def tools(self) -> Sequence[Tool]:
        """The tools of all servers that are connected, or that a call would start again."""
        return [
            Tool(name, life.state.name, tool.description, tool.input_schema)
            for name, (life, tool) in self._by_name().items()
            if life.state.standing is not Standing.FAILED
        ]

    def states(self) -> Sequence[ServerState]:
        """Every server now, in the order of the file."""
        return [life.state for life in self._lives]

    async def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Call a tool; what goes wrong is a result with `is_error`, never an exception.

        A cancelled call ends at once, whatever its server does.
        """
        by_name = self._by_name()
        if name not in by_name:
            known = ", ".join(tool.name for tool in self.tools()) or "none"
            return ToolResult(f"There is no tool {name}. The tools are: {known}.", is_error=True)
        life, tool = by_name[name]
        try:
            answer = await life.call(tool, arguments)
        except ServerFailure as failure:
            text = f"The MCP server {life.state.name} {failure}".rstrip(".") + "."
            return cut(ToolResult(text, is_error=True), self._most_characters)
        return result_of(answer, self._most_characters)

    def _life(self, name: str, directory: Path) -> ServerLife:
        server = self._servers[name]
        log = ServerLog(name, directory) if server.way == "stdio" else None
        return ServerLife(name, server, log=log, guard=self._guard, on_change=self._on_change)

    def _by_name(self) -> dict[str, tuple[ServerLife, OfferedTool]]:
        offered = {
            (life.state.name, tool.name): (life, tool)
            for life in self._lives
            for tool in life.tools
        }
        return {name: offered[tool] for tool, name in name_tools(list(offered)).items()}

    async def _end(self) -> None:
        try:
            await asyncio.gather(*(life.end() for life in self._lives))
        finally:
            self._guard.close()
