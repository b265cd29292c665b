"""The JSON Schema of a file of MCP servers, for editors."""

from __future__ import annotations

from typing import Any

from mixvllm.settings.file_keys import EXTENSION_PREFIX, MCP_KEY
from mixvllm.settings.json_schema import DIALECT
from mixvllm.settings.mcp_servers import ALIASES, BELONGS_TO, TRANSPORTS, McpServer

MCP_SCHEMA_FILE = "mcp_servers.schema.json"

# Text whose placeholders are `${NAME}` or `${NAME:-text}`.
TEXT = {
    "type": "string",
    "pattern": r"^([^$]|\$(?!\{)|\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\})*$",
}
NOT_EMPTY = {"$ref": "#/$defs/text", "minLength": 1}
TYPES: dict[str, dict[str, Any]] = {
    "command": NOT_EMPTY,
    "args": {"type": "array", "items": {"$ref": "#/$defs/text"}},
    "env": {"type": "object", "additionalProperties": {"$ref": "#/$defs/text"}},
    "cwd": NOT_EMPTY,
    "url": {**NOT_EMPTY, "pattern": r"^(https?://|\$\{)"},
    "headers": {"type": "object", "additionalProperties": {"$ref": "#/$defs/text"}},
    "transport": {"enum": [name for names in TRANSPORTS.values() for name in names]},
    "timeout_s": {"type": "number", "exclusiveMinimum": 0},
    "call_timeout_s": {"type": "number", "exclusiveMinimum": 0},
}


def mcp_schema() -> dict[str, Any]:
    """The schema of a file of MCP servers."""
    return {
        "$schema": DIALECT,
        "title": "mixvllm MCP servers",
        "type": "object",
        "properties": {
            MCP_KEY: {
                "description": "The servers whose tools a chat may use, by name.",
                "type": ["object", "null"],
                "additionalProperties": {"$ref": "#/$defs/server"},
            }
        },
        "patternProperties": {f"^{EXTENSION_PREFIX}": True},
        "required": [MCP_KEY],
        "additionalProperties": False,
        "$defs": {"text": TEXT, "server": _server()},
    }


def _server() -> dict[str, Any]:
    properties = {name: _field(name) for name in McpServer.model_fields}
    for alias, name in ALIASES.items():
        properties[alias] = {**properties[name], "description": f"Another name of `{name}`."}
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "oneOf": [_only("command", "url"), _only("url", "command")],
    }


def _field(name: str) -> dict[str, Any]:
    info = McpServer.model_fields[name]
    schema: dict[str, Any] = {"description": info.description}
    if info.default:
        schema["default"] = info.default
    return {**schema, "anyOf": [TYPES[name], {"type": "null"}]}


def _only(kind: str, other: str) -> dict[str, Any]:
    """A server of one kind has nothing that belongs to the other."""
    transports = {"enum": [*TRANSPORTS[kind], None]}
    return {
        "required": [kind],
        "properties": {
            kind: {"type": "string"},
            **{name: {"type": "null"} for name in (other, *BELONGS_TO[other])},
            "transport": transports,
            **{alias: transports for alias, name in ALIASES.items() if name == "transport"},
        },
    }
