"""The MCP server `time`: what time it is somewhere, and when it is that elsewhere."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

import mixvllm
from mixvllm.chat.shipped.zones import TimeError, in_words, read_time, zone_named

server = MCPServer("mixvllm time", version=mixvllm.__version__, log_level="WARNING")
Zone = Annotated[str, Field(description="IANA name of the time zone, such as Europe/Berlin.")]
READ_ONLY = ToolAnnotations(read_only_hint=True)


@server.tool(annotations=READ_ONLY)
def current_time(timezone: Zone = "UTC") -> dict[str, str]:
    """Tell the current date and time in a time zone."""
    try:
        return in_words(datetime.now(zone_named(timezone)), timezone)
    except TimeError as error:
        raise ToolError(str(error)) from error


@server.tool(annotations=READ_ONLY)
def convert_time(
    time: Annotated[
        str, Field(description="A time (14:30) of today there, or a date and time (ISO 8601).")
    ],
    from_timezone: Zone,
    to_timezone: Zone,
) -> dict[str, dict[str, str]]:
    """Tell what a time in one time zone is in another."""
    try:
        zone, other = zone_named(from_timezone), zone_named(to_timezone)
        moment = read_time(time, zone, datetime.now(zone).date())
        return {
            "from": in_words(moment.astimezone(zone), from_timezone),
            "to": in_words(moment.astimezone(other), to_timezone),
        }
    except (TimeError, OverflowError) as error:
        raise ToolError(str(error)) from error
