"""A file of MCP servers is checked as settings are: every problem at once, each with its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from mixvllm.errors import Problem
from mixvllm.settings.check import check_file
from mixvllm.settings.mcp_check import check_mcp_document
from mixvllm.settings.mcp_schema import mcp_schema
from mixvllm.settings.yaml_document import read_yaml

EXAMPLE = Path(__file__).parents[2] / "configs" / "mcp_servers.yaml"

RIGHT = [
    "mcpServers: {}",
    "mcpServers:",
    "mcpServers: {a: {command: uvx, args: [mcp-server-time], cwd: /tmp, timeout_s: 5}}",
    "mcpServers: {a: {command: uvx, env: {KEY: '${KEY:-none}', PRICE: $5}}}",
    "mcpServers: {a: {url: 'https://x/mcp', headers: {Authorization: 'Bearer ${TOKEN}'}}}",
    "mcpServers: {a: {url: '${MCP_URL}', type: http}}",
    "mcpServers: {a: {url: 'http://x', command: null, transport: sse}}",
    "mcpServers: {a: {command: x, transport: stdio}}",
    "x-note: {a: b}\nmcpServers: {}",
]
WRONG = {
    "mcpServers: []": "must map names to servers",
    "mcpServers: {a: uvx}": "must be a mapping with `command:` or `url:`",
    "mcpServers: {a: {}}": "needs `command:` (to start it) or `url:` (to find it)",
    "mcpServers: {a: {args: [b]}}": "needs `command:` (to start it) or `url:` (to find it)",
    "mcpServers: {a: {comand: uvx}}": "is no setting of an MCP server",
    "mcpServers: {a: {command: ''}}": "must not be empty",
    "mcpServers: {a: {command: [uvx, x]}}": "must be text, not a list",
    "mcpServers: {a: {command: x, args: y}}": "must be a list of texts, not 'y'",
    "mcpServers: {a: {command: x, args: [1]}}": "must be text, not 1",
    "mcpServers: {a: {command: x, env: [A=1]}}": "must map names to texts, not a list",
    "mcpServers: {a: {command: x, env: {A: true}}}": "must be text, not true",
    "mcpServers: {a: {command: x, timeout_s: 0}}": "must be more than 0, not 0",
    "mcpServers: {a: {command: x, timeout_s: '5'}}": "must be a number, not '5'",
    "mcpServers: {a: {command: x, url: 'http://y'}}": "contradicts `command`: give one of the two",
    "mcpServers: {a: {command: x, headers: {}}}": "goes with `url`, not with `command`",
    "mcpServers: {a: {url: 'http://y', env: {}}}": "goes with `command`, not with `url`",
    "mcpServers: {a: {command: x, type: http}}": "is for a server with `url`, not with `command`",
    "mcpServers: {a: {url: 'http://y', transport: stdio}}": "is for a server with `command`, "
    "not with `url`",
    "mcpServers: {a: {url: 'http://y', transport: pigeon}}": "must be one of stdio, http, "
    "streamable-http or sse, not 'pigeon'",
    "mcpServers: {a: {url: 'ftp://y'}}": "must start with http:// or https://, not 'ftp://y'",
    "mcpServers: {a: {command: '${A'}}": "has '${A': a variable is written ${NAME} or "
    "${NAME:-text}",
    "mcpServers: {a: {command: x, args: ['${A B}']}}": "has '${A B}': a variable is written "
    "${NAME} or ${NAME:-text}",
    "mcpServers: {}\nserver: {port: 9000}": "belongs in a config file of its own, without "
    "`mcpServers:`",
    "mcpServers: {}\nglobalShortcut: x": "is no part of an MCP file: there is `mcpServers` alone",
}


def problems_of(text: str, directory: Path) -> list[Problem]:
    file = directory / "servers.yaml"
    file.write_text(text, encoding="utf-8")
    return check_mcp_document(read_yaml(file))


def schema_accepts(text: str, directory: Path) -> bool:
    file = directory / "servers.yaml"
    file.write_text(text, encoding="utf-8")
    return bool(Draft202012Validator(mcp_schema()).is_valid(read_yaml(file).data))


def test_the_schema_is_a_valid_schema() -> None:
    Draft202012Validator.check_schema(mcp_schema())


def test_schema_and_check_accept_the_example() -> None:
    assert check_file(EXAMPLE).problems == ()
    assert Draft202012Validator(mcp_schema()).is_valid(read_yaml(EXAMPLE).data)


@pytest.mark.parametrize("text", RIGHT)
def test_schema_and_check_accept_the_same_files(text: str, tmp_path: Path) -> None:
    assert problems_of(text, tmp_path) == []
    assert schema_accepts(text, tmp_path)


@pytest.mark.parametrize(("text", "message"), WRONG.items())
def test_schema_and_check_refuse_the_same_files(text: str, message: str, tmp_path: Path) -> None:
    assert [problem.message for problem in problems_of(text, tmp_path)] == [message]
    assert not schema_accepts(text, tmp_path)


def test_all_problems_are_found_at_once_and_each_has_its_place(tmp_path: Path) -> None:
    text = (
        "mcpServers:\n"
        "  fetch:\n"
        "    comand: uvx\n"
        "  search:\n"
        "    url: ftp://x\n"
        "    headers:\n"
        "      Depth: 3\n"
    )
    found = [(p.line, p.column, p.key, p.suggestion) for p in problems_of(text, tmp_path)]
    assert found == [
        (3, 5, "mcpServers.fetch.comand", "command"),
        (5, 10, "mcpServers.search.url", None),
        (7, 14, "mcpServers.search.headers.Depth", "write it in quotes"),
    ]


def test_a_key_is_named_as_it_was_written(tmp_path: Path) -> None:
    (problem,) = problems_of("mcpServers: {a: {command: x, type: sse}}", tmp_path)
    assert problem.key == "mcpServers.a.type"


def test_a_json_file_of_another_client_is_taken_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "claude_desktop_config.json"
    servers = {"fs": {"command": "npx", "args": ["-y", "server"], "env": {"A": "b"}}}
    file.write_text(json.dumps({"mcpServers": servers}, indent="\t"), encoding="utf-8")
    assert check_file(file).problems == ()


def test_broken_yaml_is_reported_with_its_place(tmp_path: Path) -> None:
    (problem,) = problems_of("mcpServers: {a: {command: x}, a: {command: y}}", tmp_path)
    assert (problem.line, problem.column, problem.key) == (1, 31, "mcpServers.a")
