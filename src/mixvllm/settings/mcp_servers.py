"""What a file says of an MCP server: a command that is started here, or the URL of another one.

The layout is the one that other MCP clients use, so that their files can be taken as they are.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

START_TIMEOUT_S = 10.0
CALL_TIMEOUT_S = 60.0

# `$` alone is text; `${NAME}` is replaced, and `${NAME:-text}` has a value for when it is not set.
PLACEHOLDER = re.compile(r"\$\{(?P<inside>[^}]*)(?P<end>\}?)")
VARIABLE = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(:-(?P<otherwise>.*))?", re.DOTALL)
# What goes with a server that is started here, and with one that runs elsewhere.
BELONGS_TO = {"command": ("args", "env", "cwd"), "url": ("headers",)}
TRANSPORTS = {"command": ("stdio",), "url": ("http", "streamable-http", "sse")}
URL_STARTS = ("http://", "https://")
# What may hold a secret whatever its name, and is never shown.
SECRET_FIELDS = ("env", "headers")
# How other clients spell a field.
ALIASES = {"type": "transport"}

Text = Annotated[str, Field(min_length=1)]


class McpServer(BaseModel):
    """One server: a command that is started here, or the URL of one that runs elsewhere."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    command: Text | None = Field(
        None, description="The program to start; it speaks MCP on its standard input and output."
    )
    args: list[str] = Field([], description="The program's arguments.")
    env: dict[str, str] = Field(
        {},
        repr=False,
        description="Variables for the program, beside those it needs to run at all.",
    )
    cwd: Text | None = Field(None, description="The directory to start the program in.")
    url: Text | None = Field(None, description="The address of a server that runs already.")
    headers: dict[str, str] = Field(
        {}, repr=False, description="HTTP headers for every request, such as Authorization."
    )
    transport: Literal["stdio", "http", "streamable-http", "sse"] | None = Field(
        None, description="How to talk to it; made out from `command` or `url` when left out."
    )
    timeout_s: float = Field(
        START_TIMEOUT_S, gt=0, description="Seconds until it must have started and told its tools."
    )
    call_timeout_s: float = Field(
        CALL_TIMEOUT_S, gt=0, description="Seconds until it must have answered a call of a tool."
    )

    @property
    def way(self) -> Literal["stdio", "http", "sse"]:
        """How to talk to it, each way by its one name."""
        if self.command is not None:
            return "stdio"
        return "sse" if self.transport == "sse" else "http"
