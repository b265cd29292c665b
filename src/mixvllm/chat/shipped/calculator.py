"""The MCP server `calculator`: the value of an expression."""

from __future__ import annotations

from typing import Annotated

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

import mixvllm
from mixvllm.chat.shipped.arithmetic import (
    CONSTANTS,
    FUNCTIONS,
    ArithmeticFailure,
    evaluate,
    shown,
)

server = MCPServer("mixvllm calculator", version=mixvllm.__version__, log_level="WARNING")
ANGLES = "Angles are in radians."
DESCRIPTION = (
    "Compute an expression: + - * / // % ** and parentheses, "
    f"{', '.join(FUNCTIONS)}; {', '.join(CONSTANTS)}. {ANGLES}"
)


@server.tool(description=DESCRIPTION, annotations=ToolAnnotations(read_only_hint=True))
def calculate(
    expression: Annotated[str, Field(description="Such as (17 + 4) * 2 ** 10 / sqrt(2).")],
) -> str:
    """Compute an expression."""
    try:
        return shown(evaluate(expression))
    except ArithmeticFailure as error:
        raise ToolError(str(error)) from error
