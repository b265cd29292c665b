"""What is known of an MCP server: the row of `/mcp`, and what is said when it changes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Standing(StrEnum):
    """Where a server is in its life."""

    STARTING = "starting"
    CONNECTED = "connected"
    FAILED = "failed"
    DEAD = "dead"


@dataclass(frozen=True)
class ServerState:
    """One server now.

    Attributes:
        name: Its name in the file.
        transport: `stdio`, `http` or `sse`.
        standing: Whether it can be used; a dead one is started again by the next call.
        tools: How many tools it has; None until it was connected.
        connect_s: Seconds from its start to the list of its tools; None until it was connected.
        error: Why it failed or died, as one line that goes on after its name.
        log: The file with what it wrote to stderr, where it was started here.
        reconnects: How often it was started again.
    """

    name: str
    transport: str
    standing: Standing = Standing.STARTING
    tools: int | None = None
    connect_s: float | None = None
    error: str | None = None
    log: Path | None = None
    reconnects: int = 0
