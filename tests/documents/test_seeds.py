"""docs/seeds.md names what there is, and everything of the first design is accepted."""

from __future__ import annotations

import ast
import json
import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from mixvllm.cli.app import run
from mixvllm.settings.resolve import Sources, resolve
from mixvllm.settings.schema import ServeConfig
from tests.cli.command import Command

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "seeds.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`((?:src|tests|docs|configs|deploy)/[^`*:]+)(?:::(\w+))?`", PAGE)))
FLAGS = re.findall(r"^\| `(--[a-z-]+)( [A-Z_{][^`]*)?` \|", PAGE, re.MULTILINE)

PHI3 = "--model microsoft/Phi-3-mini-4k-instruct --trust-remote-code"
# The commands of the first design, behind `serve_model.py`.
COMMANDS = (
    "--model microsoft/Phi-3-mini-4k-instruct",
    PHI3,
    "--config configs/phi3-mini.yaml",
    "--config configs/phi3-mini.yaml --port 8080 --temperature 0.9",
    f"{PHI3} --host 127.0.0.1 --port 8000 --gpu-memory 0.7 --max-model-len 2048",
    f"{PHI3} --gpus 2 --gpu-memory 0.9 --max-model-len 4096 --host 0.0.0.0 --port 8000 "
    "--temperature 0.7",
    "--model codellama/CodeLlama-13b-hf --temperature 0.2 --top-p 0.95 --max-tokens 1024 "
    "--presence-penalty 0.1",
    "--model meta-llama/Llama-2-13b-chat-hf --temperature 0.9 --top-p 0.9 --presence-penalty 0.6 "
    "--frequency-penalty 0.3 --max-tokens 2048",
    "--model TheBloke/Llama-2-13B-chat-AWQ --quantization awq --gpu-memory 0.9 "
    "--max-model-len 4096",
    "--model /path/to/local/model --trust-remote-code --dtype bfloat16",
)
VALUES = {
    "--config": "configs/phi3-mini.yaml",
    "--model": "owner/name",
    "--dtype": "bfloat16",
    "--quantization": "awq",
    "--host": "127.0.0.1",
    "--port": "8001",
    "--gpu-memory": "0.8",
    "--top-p": "0.9",
}
BASE = """
model:
  name: microsoft/Phi-3-mini-4k-instruct
server:
  port: 8000
generation:
  temperature: 0.7
  presence_penalty: 0.5
  frequency_penalty: 0.25
"""


@cache
def functions_of(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, functions))


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_what_the_page_names_is_there(file: str, name: str) -> None:
    assert (ROOT / file).exists()
    if name:
        assert name in functions_of(file)


def test_every_row_names_where_it_lives_and_what_holds_it() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and "held by" not in line]

    assert len(rows) > 60
    assert [row for row in rows if "`tests/" not in row.split(" | ")[-1]] == []


@pytest.mark.parametrize(("flag", "takes"), FLAGS)
def test_each_flag_of_the_first_design_is_accepted(
    flag: str, takes: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    given = [flag, VALUES.get(flag, "1")] if takes else [flag]

    ran = Command(capsys)("serve", "owner/name", *given, "--dry-run", "--json")

    assert ran.code == 0, ran.err
    assert len(FLAGS) == 16


@pytest.mark.parametrize("words", COMMANDS)
def test_each_command_of_the_first_design_is_accepted(
    words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)

    assert run(["serve", *shlex.split(words), "--dry-run"]) == 0


def test_the_override_of_the_first_design_gives_what_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "base_config.yaml"
    file.write_text(BASE)
    flags = ("--port", "9000", "--temperature", "0.9")

    shown = Command(capsys)("serve", "--config", str(file), *flags, "--dry-run", "--json").json

    settings = shown["settings"]
    assert settings["model"]["name"] == "microsoft/Phi-3-mini-4k-instruct"
    assert settings["server"]["port"] == 9000
    assert settings["generation_defaults"]["temperature"] == 0.9
    assert settings["generation_defaults"]["presence_penalty"] == 0.5
    assert settings["generation_defaults"]["frequency_penalty"] == 0.25
    assert ServeConfig.from_yaml(file) == resolve(Sources(config=file)).settings


def test_the_file_of_mcp_servers_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    file = ROOT / "configs" / "mcp_servers.yaml"

    ran = Command(capsys)("config", "validate", str(file), "--format", "json")

    assert ran.code == 0
    assert json.loads(ran.out)["ok"] is True
