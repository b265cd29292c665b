"""MCP servers for these tests: small programs that misbehave as they are told; on asyncio."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mixvllm.settings.mcp_servers import McpServer

STAND_IN = Path(__file__).with_name("mcp_stand_in.py")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def stand_in() -> Callable[..., McpServer]:
    """A server over pipes with a misbehaviour, and a file that some of them need."""

    def server(misbehaviour: str = "none", file: Path | None = None, **fields: Any) -> McpServer:
        words = [str(STAND_IN), misbehaviour, *([str(file)] if file else [])]
        return McpServer(command=sys.executable, args=words, **fields)

    return server
