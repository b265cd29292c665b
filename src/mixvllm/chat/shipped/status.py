"""The MCP server `status`: the mixvllm servers that run here, and what a model would take."""

from __future__ import annotations

import os
from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

import mixvllm
from mixvllm.chat.shipped.estimates import estimate_facts
from mixvllm.chat.shipped.running import KEY_VARIABLE, reports
from mixvllm.errors import MixvllmError

server = MCPServer("mixvllm status", version=mixvllm.__version__, log_level="WARNING")
READ_ONLY = ToolAnnotations(read_only_hint=True)


@server.tool(annotations=READ_ONLY)
def server_status() -> dict[str, list[dict[str, Any]]]:
    """Tell which mixvllm servers run on this machine: model, phase, requests, KV-cache use."""
    return {"servers": reports(os.environ.get(KEY_VARIABLE))}


@server.tool(annotations=READ_ONLY)
def estimate_kv(
    model: Annotated[str, Field(description="Its name on the hub, a local path, or demo.")],
    gpu: Annotated[
        str | None, Field(description="Such as H100, L40S or 24GiB; left out: those of here.")
    ] = None,
    gpu_count: Annotated[int, Field(ge=1, description="GPUs that share the model.")] = 1,
    max_model_len: Annotated[
        int | None, Field(ge=1, description="Longest context in tokens; left out: the model's.")
    ] = None,
    concurrency: Annotated[
        int | None, Field(ge=1, description="Requests that must run at once, if asked.")
    ] = None,
) -> dict[str, Any]:
    """Estimate GPU memory and KV cache of a model served with vLLM, before it is loaded."""
    try:
        return estimate_facts(model, gpu, gpu_count, max_model_len, concurrency)
    except MixvllmError as error:
        details = "; ".join(problem.message for problem in error.problems)
        parts = [error.message, details, error.hint]
        raise ToolError(" ".join(part for part in parts if part)) from error
