"""`mixvllm config show`: values, origins, and files and arguments that mean the same."""

import shlex
from pathlib import Path

import pytest

from tests.cli.command import Command

FILE = """\
model: {name: acme/model}
inference:
  gpus: 2
server:
  port: 8001
  api_key: very-secret
generation: {temperature: 0.3, max_tokens: 99}
vllm: {tool_call_parser: hermes, enable_auto_tool_choice: true}
profiles:
  dev:
    server: {port: 8002}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.yaml"
    path.write_text(FILE)
    return path


def test_json_names_the_winner_and_what_it_beat_on_all_four_layers(
    mixvllm: Command, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIXVLLM_SERVER__PORT", "8004")

    ran = mixvllm("config", "show", "--config", "a.yaml", "--port", "8003", "--format", "json")

    assert ran.code == 0
    assert ran.json["settings"]["server"]["port"] == 8004
    (port,) = [value for value in ran.json["values"] if value["key"] == "server.port"]
    assert port == {
        "key": "server.port",
        "value": 8004,
        "layer": "environment",
        "origin": "environment MIXVLLM_SERVER__PORT",
        "overrides": [
            {"value": 8003, "layer": "command line", "origin": "--port"},
            {"value": 8001, "layer": "yaml", "origin": "a.yaml:5:9"},
            {"value": 8000, "layer": "default", "origin": "default"},
        ],
    }
    assert "MIXVLLM_SERVER__PORT=8004 overrides --port 8003" in ran.err


def test_a_profile_lies_above_the_file_and_below_the_flags(mixvllm: Command, file: Path) -> None:
    of_profile = mixvllm("config", "show", "-c", "a.yaml", "--profile", "dev", "--json")
    of_flag = mixvllm(
        "config", "show", "-c", "a.yaml", "--profile", "dev", "--port", "8003", "--json"
    )

    values = {value["key"]: value for value in of_profile.json["values"]}
    assert values["server.port"]["value"] == 8002
    assert values["server.port"]["origin"] == "a.yaml:11:20 (profile dev)"
    assert of_flag.json["settings"]["server"]["port"] == 8003


@pytest.mark.parametrize("form", ["table", "json", "yaml"])
def test_a_secret_is_never_shown_but_its_origin_is(
    mixvllm: Command, file: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIXVLLM_SERVER__API_KEY", "also-secret")

    ran = mixvllm("config", "show", "-c", "a.yaml", "--api-key", "secret-3", "--format", form)

    assert "secret-3" not in ran.out + ran.err
    assert "also-secret" not in ran.out + ran.err
    assert "very-secret" not in ran.out + ran.err
    assert "MIXVLLM_SERVER__API_KEY" in ran.out


def test_the_yaml_form_is_a_file_that_resolves_to_the_same_settings(
    mixvllm: Command, file: Path, tmp_path: Path
) -> None:
    flags = ("--dtype", "bfloat16", "--", "--limit-mm-per-prompt", '{"image": 2}', "--seed", "7")
    first = mixvllm("config", "show", "-c", "a.yaml", "--json", *flags)
    written = mixvllm("config", "show", "-c", "a.yaml", "--format", "yaml", *flags)
    (tmp_path / "b.yaml").write_text(written.out)

    assert mixvllm("config", "validate", "b.yaml").code == 0
    second = mixvllm("config", "show", "-c", "b.yaml", "--json")
    expected = {**first.json["settings"]}
    expected["server"] = {**expected["server"], "api_key": None}
    assert second.json["settings"] == expected


def test_the_table_shows_value_and_origin(mixvllm: Command, file: Path) -> None:
    ran = mixvllm("config", "show", "-c", "a.yaml", "--port", "8003")

    rows = [line.split(None, 2) for line in ran.out.splitlines()]
    lines = {row[0]: [cell.rstrip() for cell in row[1:]] for row in rows}
    assert lines["port"] == ["8003", "--port, over 8001 (a.yaml:5:9)"]
    assert lines["tensor_parallel_size"] == ["2", "a.yaml:3:9"]
    assert lines["max_num_seqs"] == ["-", "default"]


def test_the_vllm_arguments_are_one_shell_line_without_secrets(
    mixvllm: Command, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")

    ran = mixvllm("config", "show", "-c", "a.yaml", "--vllm-args")

    (line,) = ran.out.splitlines()
    words = shlex.split(line)
    assert words[:2] == ["--model", "acme/model"]
    assert words[words.index("--tensor-parallel-size") + 1] == "2"
    assert words[words.index("--override-generation-config") + 1] == '{"temperature": 0.3}'
    assert words[-3:] == ["--tool-call-parser", "hermes", "--enable-auto-tool-choice"]
    assert "secret" not in line
    assert "max_tokens has no vLLM argument" in ran.err


@pytest.mark.parametrize("form", [("--json",), ("--format", "json")])
def test_under_json_the_vllm_arguments_are_json_too(
    mixvllm: Command, file: Path, form: tuple[str, ...]
) -> None:
    line = mixvllm("config", "show", "-c", "a.yaml", "--vllm-args").out
    ran = mixvllm("config", "show", "-c", "a.yaml", "--vllm-args", *form)

    assert ran.json == {"vllm_arguments": shlex.split(line)}


def test_demo_is_printed_as_its_path(mixvllm: Command) -> None:
    words = shlex.split(mixvllm("config", "show", "--model", "demo", "--vllm-args").out)

    assert Path(words[1]).is_absolute()
    assert words[2:4] == ["--served-model-name", "demo"]


def test_without_a_model_the_three_ways_to_give_one_are_said(mixvllm: Command) -> None:
    ran = mixvllm("config", "show", "--vllm-args")

    assert ran.code == 1
    assert "--model is required when not using --config" in ran.err
    assert "MIXVLLM_MODEL__NAME" in ran.err


@pytest.mark.parametrize(("columns", "heads"), [("80", 3), ("40", 2)])
def test_a_narrow_terminal_goes_without_origins(
    mixvllm: Command, monkeypatch: pytest.MonkeyPatch, columns: str, heads: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    lines = mixvllm("config", "show", "--model", "demo").out.splitlines()

    assert lines[0].split() == ["setting", "value", "origin"][:heads]
    assert "  tensor_parallel_size          1" in "\n".join(lines)
    assert ("A wider terminal shows more: origin." in lines) == (heads == 2)
