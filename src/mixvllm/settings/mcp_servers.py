"""Files that name MCP servers (`mcpServers:`)."""

from __future__ import annotations

from mixvllm.errors import Problem
from mixvllm.settings.yaml_document import YamlDocument

MCP_KEY = "mcpServers"


def is_mcp_document(document: YamlDocument) -> bool:
    """Whether the file is one of MCP servers: the key `mcpServers` marks it."""
    return isinstance(document.data, dict) and MCP_KEY in document.data


def check_mcp_document(document: YamlDocument) -> list[Problem]:
    """Everything that is wrong with it."""
    return list(document.problems)
