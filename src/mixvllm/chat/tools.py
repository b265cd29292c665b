"""What a model can call: tools, calls and results, whoever provides them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


@dataclass(frozen=True)
class Tool:
    """One tool as the model is told of it.

    Attributes:
        name: What the model calls; unique over all servers (`server__tool` where two clash).
        server: The name of the server that provides it.
        description: What it does, in the server's words.
        input_schema: JSON Schema of its arguments.
    """

    name: str
    server: str
    description: str
    input_schema: Mapping[str, Any]


@dataclass(frozen=True)
class ToolCall:
    """One call as the model wrote it.

    Attributes:
        id: What the result is sent back under.
        name: The tool's name, which may be one that nobody provides.
        arguments: The text of the arguments, which may not be JSON.
    """

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class ToolResult:
    """What a call gave, already cut to the size that is sent to the model.

    Attributes:
        text: The result as text, with a note at its end when something was cut off.
        is_error: Whether the tool, its server or its arguments failed.
        omitted_characters: How much was cut off.
    """

    text: str
    is_error: bool = False
    omitted_characters: int = 0


class Toolbox(Protocol):
    """Tools and a way to call them."""

    def tools(self) -> Sequence[Tool]:
        """The tools that can be called now."""

    async def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Call one; what goes wrong is a result with `is_error`, never an exception."""


class Approval(StrEnum):
    """What the user says to a call."""

    ONCE = "once"
    ALWAYS = "always"
    DENY = "deny"


# Asked before each call of a tool that is not always allowed.
Approver = Callable[[ToolCall, Tool], Awaitable[Approval]]
