"""The tools that a model may call, and the MCP servers that they come from."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mixvllm.chat.mcp_state import ServerState, Standing
from mixvllm.chat.tools import Tool
from mixvllm.render.theme import ERROR, GOOD, NAME, WARNING
from mixvllm.render.untrusted import harmless

STYLES = {
    Standing.STARTING: "",
    Standing.CONNECTED: GOOD,
    Standing.FAILED: ERROR,
    Standing.DEAD: ERROR,
}


def tool_table(tools: Sequence[Tool], always: set[str]) -> RenderableType:
    """The tools, their servers, and which run without being asked about."""
    if not tools:
        return Text("There are no tools: --mcp-config FILE names servers that have some.")
    table = Table(box=None, pad_edge=False, header_style=NAME)
    for column in ("tool", "server", "asked", "what it does"):
        table.add_column(column, overflow="fold")
    for tool in tools:
        table.add_row(
            Text(harmless(tool.name)),
            Text(harmless(tool.server)),
            "no" if tool.name in always else "yes",
            Text(first_line(tool.description)),
        )
    return table


def server_table(states: Sequence[ServerState]) -> RenderableType:
    """The servers and their state; below it why some cannot be used."""
    if not states:
        return Text("There are no MCP servers: --mcp-config FILE names some.")
    table = Table(box=None, pad_edge=False, header_style=NAME)
    for column in ("server", "state", "over", "tools", "took", "restarts", "log"):
        table.add_column(column, overflow="fold")
    for state in states:
        table.add_row(
            Text(harmless(state.name)),
            Text(state.standing, style=STYLES[state.standing]),
            state.transport,
            "-" if state.tools is None else str(state.tools),
            "-" if state.connect_s is None else f"{state.connect_s:.1f} s",
            str(state.reconnects),
            Text(str(state.log) if state.log else "-"),
        )
    return Group(table, *(server_failure(state) for state in states if state.error is not None))


def server_failure(state: ServerState) -> Text:
    """Why a server cannot be used, in one line."""
    why = harmless(state.error or str(state.standing))
    return Text.assemble(("warning: ", WARNING), f"the MCP server {harmless(state.name)} {why}")


def first_line(text: str) -> str:
    """The first line of a description."""
    return next((line.strip() for line in harmless(text).splitlines() if line.strip()), "-")
