"""`mixvllm-mcp NAME` runs a shipped server wherever mixvllm is installed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from mixvllm.chat.mcp_process import SHIPPED_COMMAND, SHIPPED_MODULE
from mixvllm.chat.mcp_servers import McpToolbox
from mixvllm.settings.mcp_loading import load_mcp_servers

ROOT = Path(__file__).parents[3]


@pytest.mark.anyio
async def test_the_example_file_works_where_no_script_is_in_the_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    servers = load_mcp_servers(ROOT / "configs" / "mcp_servers.yaml", {})
    async with asyncio.timeout(30), McpToolbox(servers) as toolbox:
        assert [(state.name, state.error) for state in toolbox.states()] == [
            ("time", None),
            ("calculator", None),
            ("status", None),
        ]
        assert [tool.name for tool in toolbox.tools()] == [
            "current_time",
            "convert_time",
            "calculate",
            "server_status",
            "estimate_kv",
        ]
        assert (await toolbox.call("calculate", {"expression": "6 * 7"})).text == "42"
        wrong = await toolbox.call("calculate", {"expresion": "6 * 7"})
        assert wrong.is_error
        assert "expression\n  Field required" in wrong.text


def test_the_command_is_a_script_of_the_package() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    entry = EntryPoint(SHIPPED_COMMAND, scripts["scripts"][SHIPPED_COMMAND], "console_scripts")
    assert entry.module == f"{SHIPPED_MODULE}.__main__"
    assert callable(entry.load())


@pytest.mark.parametrize(
    ("words", "status"), [(["--help"], 0), ([], 2), (["teleport"], 2), (["time", "now"], 2)]
)
def test_help_and_mistakes_name_the_servers(words: list[str], status: int) -> None:
    command = [sys.executable, "-m", SHIPPED_MODULE, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status
    said = done.stderr if status else done.stdout
    assert said.startswith("Usage: mixvllm-mcp NAME")
    assert ("There is no server" in said) is bool(status and words)
    assert all(name in said for name in ("time", "calculator", "status"))
