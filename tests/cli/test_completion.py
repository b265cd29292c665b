"""Tab completion: what each word can become, through the protocol and in real shells."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mixvllm.cli.app import run
from mixvllm.memory.gpu_table import all_gpus, find_gpu, flag_of
from tests.cli.test_serve import register

FILE = "profiles:\n  dev:\n    server: {port: 8001}\n  production:\n    server: {port: 8002}\n"
HEAVY = ("torch", "vllm", "transformers", "fastapi", "uvicorn", "mcp", "openai")
# What commands draw, read settings and look at processes with: each takes longer than a Tab may.
NEEDED_TO_RUN = ("rich.console", "pydantic", "psutil", "mixvllm.models.description")


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with configs and a Hugging Face cache."""
    for name in ("mixvllm.yaml", "configs/one.yaml", "configs/two.yml", "configs/notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(FILE)
    (tmp_path / ".hidden.yaml").write_text(FILE)
    (tmp_path / "cache" / "models--some-owner--some-model").mkdir(parents=True)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Completion:
    return Completion(monkeypatch, capsys)


class Completion:
    """What a Tab behind the words of a command line offers."""

    def __init__(self, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.patch, self.capsys = patch, capsys

    def __call__(self, line: str) -> list[str]:
        last = len(line.split(" ")) - 1
        self.patch.setenv("_MIXVLLM_COMPLETE", "complete_bash")
        self.patch.setenv("COMP_WORDS", line)
        self.patch.setenv("COMP_CWORD", str(last))
        with pytest.raises(SystemExit) as ended:
            run(())
        assert not ended.value.code
        said = self.capsys.readouterr()
        assert said.err == ""
        return said.out.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("mixvllm doc", ["doctor"]),
        ("mixvllm config ", ["validate", "show", "schema", "init"]),
        ("mixvllm serve --gpu-mem", ["--gpu-memory"]),
        ("mixvllm serve qwen/qwen3-8", ["Qwen/Qwen3-8B", "Qwen/Qwen3-8B-FP8"]),
        ("mixvllm serve gpt-oss", ["openai/gpt-oss-120b", "openai/gpt-oss-20b"]),
        ("mixvllm serve de", ["demo", "deepseek-ai/deepseek-moe-16b-base"]),
        ("mixvllm serve --model some-o", ["some-owner/some-model"]),
        ("mixvllm estimate-kv demo some-o", ["some-owner/some-model"]),
        ("mixvllm config init --model some-o", ["some-owner/some-model"]),
        ("mixvllm serve --config ", ["configs/one.yaml", "configs/two.yml", "mixvllm.yaml"]),
        ("mixvllm serve --config configs/o", ["configs/one.yaml"]),
        ("mixvllm config validate mix", ["mixvllm.yaml"]),
        ("mixvllm gpus --for mixv", ["mixvllm.yaml"]),
        ("mixvllm serve --profile ", ["dev", "production"]),
        ("mixvllm config show -c configs/one.yaml --profile p", ["production"]),
        ("mixvllm config show -c none.yaml --profile p", []),
        ("mixvllm serve --dtype b", ["bfloat16"]),
        ("mixvllm serve --quantization aw", ["awq", "awq_marlin"]),
        ("mixvllm serve --kv-cache-dtype fp8_e", ["fp8_e4m3", "fp8_e5m2"]),
        ("mixvllm serve --restart ", ["on-failure", "never"]),
        ("mixvllm estimate-kv demo --gpu h1", ["H100", "H100-NVL"]),
        ("mixvllm config validate --gpu a100", ["A100-80G", "A100-40G"]),
        ("mixvllm estimate-kv demo --compare H100,L40", ["H100,L40S", "H100,L40"]),
        ("mixvllm estimate-kv --vllm-version 0.33,0.3", ["0.33,0.32", "0.33,0.31", "0.33,0.30"]),
        ("mixvllm config validate --format ", ["text", "json", "github"]),
        ("mixvllm serve --port 8", []),
        ("mixvllm no-such-command s", ["serve", "status", "stop"]),
    ],
)
def test_a_tab_offers_what_the_word_can_become(
    complete: Completion, line: str, offered: list[str]
) -> None:
    found = complete(line)

    assert found[: len(offered)] == offered
    assert found == offered or line.endswith(" de")


def test_a_tab_offers_the_ports_of_running_servers(complete: Completion) -> None:
    entry = register(8123)

    assert complete("mixvllm stop ") == ["8123"]
    entry.remove()


@pytest.mark.parametrize("gpu", [flag_of(gpu) for gpu in all_gpus()])
def test_every_gpu_that_is_offered_is_one_word_and_known(gpu: str) -> None:
    assert " " not in gpu
    assert flag_of(find_gpu(gpu)) == gpu


def test_what_goes_wrong_at_a_tab_is_not_said(directory: Path) -> None:
    (directory / "mixvllm.yaml").write_bytes(b"\xff\xfe")
    words = {"COMP_WORDS": "mixvllm serve --profile ", "COMP_CWORD": "3"}
    done = subprocess.run(
        [sys.executable, "-m", "mixvllm"],
        env={**os.environ, **words, "_MIXVLLM_COMPLETE": "complete_bash"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert (done.stdout.strip(), done.stderr) == ("", "")


@pytest.mark.parametrize(
    "line",
    [
        "mixvllm ser",
        "mixvllm serve gpt",
        "mixvllm serve demo --dtype ",
        "mixvllm estimate-kv demo gpt",
        "mixvllm estimate-kv --gpu ",
        "mixvllm config init --model gpt",
        "mixvllm config show --config ",
        "mixvllm config validate ",
        "mixvllm gpus --for ",
        "mixvllm explain kv",
    ],
)
def test_a_tab_loads_options_and_what_it_offers_alone(line: str) -> None:
    assert loaded_at(line, (*HEAVY, *NEEDED_TO_RUN)) == []


def test_a_tab_that_reads_a_file_loads_nothing_heavy_either() -> None:
    assert loaded_at("mixvllm serve --profile ", HEAVY) == []


def loaded_at(line: str, names: tuple[str, ...]) -> list[str]:
    """Which of these modules a Tab behind the line loads, while it offers something."""
    code = (
        "import sys, mixvllm.__main__ as program\n"
        "try: program.main()\n"
        f"finally: print(*[n for n in {names} if n in sys.modules], file=sys.__stderr__)"
    )
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **words, "_MIXVLLM_COMPLETE": "complete_bash"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout
    return done.stderr.split()


@pytest.fixture
def shell_environment(tmp_path: Path) -> dict[str, str]:
    """A home of its own, and `mixvllm` in the path."""
    program = tmp_path / "bin" / "mixvllm"
    program.parent.mkdir()
    python = shlex.quote(sys.executable)
    program.write_text(f'#!/bin/sh\nexec {python} -m mixvllm "$@"\n')
    program.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    path = f"{program.parent}:{os.environ['PATH']}"
    return {**os.environ, "HOME": str(home), "PATH": path}


def in_shell(words: list[str], environment: dict[str, str]) -> list[str]:
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return [line.partition("\t")[0] for line in done.stdout.splitlines()]


def test_bash_completes_with_the_script_that_is_printed(shell_environment: dict[str, str]) -> None:
    script = (
        'eval "$(_MIXVLLM_COMPLETE=source_bash mixvllm)"\n'
        "complete -p mixvllm >/dev/null || exit 1\n"
        "COMP_WORDS=(mixvllm serve gpt-oss-2) COMP_CWORD=2\n"
        "_mixvllm_completion mixvllm\n"
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )

    assert in_shell(["bash", "-c", script], shell_environment) == ["openai/gpt-oss-20b"]


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_fish_completes_with_the_script_that_is_printed(shell_environment: dict[str, str]) -> None:
    script = (
        "_MIXVLLM_COMPLETE=source_fish mixvllm | source; "
        "complete --do-complete 'mixvllm serve openai/gpt-oss-2'"
    )

    assert in_shell(["fish", "-c", script], shell_environment) == ["openai/gpt-oss-20b"]


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
def test_zsh_completes_with_the_script_that_is_printed(shell_environment: dict[str, str]) -> None:
    script = (
        "compdef() {}; _arguments() { print -l -- $argv }\n"
        'eval "$(_MIXVLLM_COMPLETE=source_zsh mixvllm)"\n'
        "words=(mixvllm serve openai/gpt-oss-2) CURRENT=3\n"
        "_mixvllm_completion"
    )

    assert '"openai/gpt-oss-20b"' in "".join(in_shell(["zsh", "-fc", script], shell_environment))


@pytest.mark.parametrize("line", ["mixvllm ", "mixvllm serve --ma", "mixvllm estimate-kv --"])
def test_fish_gets_one_line_a_word_with_its_whole_description(line: str) -> None:
    asked = {
        "_MIXVLLM_COMPLETE": "complete_fish",
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }

    ran = subprocess.run(
        [sys.executable, "-m", "mixvllm"],
        env=os.environ | asked | {"COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=True,
    )

    words = [said.split("\t") for said in ran.stdout.splitlines()]
    assert words
    assert all(len(word) == 2 and word[0].startswith(line.split(" ")[-1]) for word in words)
    assert not any(description.endswith("...") for _, description in words)
