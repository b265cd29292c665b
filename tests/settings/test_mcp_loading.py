"""A file of MCP servers becomes a mapping; what its variables lack is told with its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mixvllm.errors import Problem, SettingsError
from mixvllm.render.settings import render_problem
from mixvllm.settings.mcp_loading import load_mcp_servers
from mixvllm.settings.mcp_servers import McpServer

FILE = """\
mcpServers:
  files:
    command: npx
    args: [-y, "${DIRECTORY:-/tmp}", "costs $5"]
    env:
      TOKEN: ${FILES_TOKEN}
  search:
    type: sse
    url: ${SEARCH_URL}
    headers: {Authorization: "Bearer ${TOKEN}"}
    call_timeout_s: 5
"""


def load(text: str, directory: Path, **environment: str) -> dict[str, McpServer]:
    file = directory / "servers.yaml"
    file.write_text(text, encoding="utf-8")
    return load_mcp_servers(file, environment)


def problems_of(text: str, directory: Path, **environment: str) -> tuple[Problem, ...]:
    with pytest.raises(SettingsError) as caught:
        load(text, directory, **environment)
    return caught.value.problems


def test_servers_come_in_their_order_with_their_variables_filled_in(tmp_path: Path) -> None:
    given = {"FILES_TOKEN": "a", "SEARCH_URL": "https://x/sse", "TOKEN": "b", "DIRECTORY": ""}
    servers = load(FILE, tmp_path, **given)
    assert list(servers) == ["files", "search"]
    assert servers["files"].args == ["-y", "/tmp", "costs $5"]
    assert servers["files"].env == {"TOKEN": "a"}
    assert servers["search"].headers == {"Authorization": "Bearer b"}
    assert [server.way for server in servers.values()] == ["stdio", "sse"]
    assert (servers["files"].timeout_s, servers["search"].call_timeout_s) == (10, 5)


def test_a_variable_that_is_not_set_is_told_with_its_place(tmp_path: Path) -> None:
    problems = problems_of(FILE, tmp_path, TOKEN="b")
    assert [(p.line, p.column, p.key, p.message) for p in problems] == [
        (6, 14, "mcpServers.files.env.TOKEN", "FILES_TOKEN is not set in the environment"),
        (9, 10, "mcpServers.search.url", "SEARCH_URL is not set in the environment"),
    ]
    assert problems[1].suggestion == "set it, or write ${SEARCH_URL:-text} for when it is not"


def test_what_a_variable_makes_of_a_url_or_a_command_is_checked_and_not_shown(
    tmp_path: Path,
) -> None:
    text = "mcpServers: {a: {url: '${URL}'}, b: {command: '${PROGRAM:-}'}}"
    problems = problems_of(text, tmp_path, URL="secret")
    assert [(p.key, p.message) for p in problems] == [
        (
            "mcpServers.a.url",
            "must start with http:// or https://, and does not with its variables filled in",
        ),
        ("mcpServers.b.command", "is empty when its variables are filled in"),
    ]


def test_everything_that_config_validate_finds_is_found(tmp_path: Path) -> None:
    (problem,) = problems_of("mcpServers: {a: {comand: uvx}}", tmp_path)
    assert problem.suggestion == "command"


def test_a_file_of_something_else_is_refused_with_what_it_should_have(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"names no MCP servers: it has no `mcpServers:`"):
        load("model: {name: demo}", tmp_path)
    with pytest.raises(SettingsError, match="names no MCP servers"):
        load("[a, b]", tmp_path)


def test_a_file_that_is_not_there_or_no_yaml_is_a_problem_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_mcp_servers(tmp_path / "none.yaml", {})
    (problem,) = caught.value.problems
    assert (problem.message, problem.suggestion) == ("no such file", None)
    assert problems_of("mcpServers: [", tmp_path)[0].line is not None


def test_a_file_without_servers_gives_none(tmp_path: Path) -> None:
    assert load("mcpServers:", tmp_path) == {}


def test_a_json_file_of_another_client_is_read(tmp_path: Path) -> None:
    servers = {"fs": {"command": "npx", "args": ["-y", "server"], "env": {"A": "b"}}}
    text = json.dumps({"mcpServers": servers}, indent="\t")
    assert load(text, tmp_path)["fs"].args == ["-y", "server"]


@pytest.mark.parametrize(
    "text",
    [
        "mcpServers: {a: {command: x, env: {PIN: 1234567, B: open-sesame}}}",
        "mcpServers: {a: {command: x, env: {B: open-sesame}, args: 1}}",
        "mcpServers:\n  a:\n    url: http://x\n    headers:\n      Authorization: 1234567",
        "mcpServers:\n  a:\n    headers:\n      Authorization: Bearer open-sesame: x",
    ],
)
def test_no_header_and_no_variable_is_shown_in_a_problem(text: str, tmp_path: Path) -> None:
    for problem in problems_of(text, tmp_path):
        shown = render_problem(problem).plain
        assert "1234567" not in shown
        assert "open-sesame" not in shown
