"""How commands fail: exit codes, words, JSON under `--json`, tracebacks only under `--debug`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import Command


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("config", "show", "--prt", "1"), 2, "No such option: --prt"),
        (("config", "show", "--port", "80"), 2, "between 1024 and 65535"),
        (("config", "show", "--gpus", "x"), 2, "must be a whole number"),
        (("config", "show", "--port"), 2, "--port needs a value."),
        (("confg",), 2, "There is no command 'confg'. Did you mean `mixvllm config`?"),
        (("config", "shw"), 2, "Did you mean `mixvllm config show`?"),
        (("config", "xyz"), 2, "Try 'mixvllm config --help'."),
        (("config", "show", "--config", "none.yaml"), 1, "no such file"),
        (("config", "show", "--profile", "dev"), 2, "no config file is given"),
        (("config", "show", "--", "--sed", "1"), 2, "did you mean --seed?"),
    ],
)
def test_a_mistake_ends_with_its_code_and_the_place(
    mixvllm: Command, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ran = mixvllm(*arguments)

    assert ran.code == code
    assert said in " ".join(ran.err.split())
    assert ran.out == ""
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("config", "show", "--json", "--prt", "1"), "No such option"),
        (("config", "show", "--format", "json", "--port", "80"), "The settings have 1 problem."),
    ],
)
def test_under_json_a_failure_is_json_too(
    mixvllm: Command, arguments: tuple[str, ...], message: str
) -> None:
    ran = mixvllm(*arguments)

    assert ran.code == 2
    assert ran.err == ""
    assert message in ran.json["error"]["message"]
    assert set(ran.json["error"]) == {"message", "hint", "code", "problems"}


def test_a_wrong_profile_names_the_ones_there_are(mixvllm: Command, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("profiles: {dev: {}, production: {}}\n")

    ran = mixvllm("config", "show", "-c", "a.yaml", "--profile", "prod")

    assert ran.code == 2
    assert "it has dev, production (did you mean production?)" in ran.err


def test_problems_of_file_and_flags_together_end_with_one(mixvllm: Command, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("server: {port: 1}\n")

    ran = mixvllm("config", "show", "-c", "a.yaml", "--gpus", "0")

    assert ran.code == 1
    assert "a.yaml:1:16: server.port" in ran.err
    assert "command line: --gpus" in ran.err
    assert "The settings have 2 problems." in ran.err


def test_debug_shows_the_traceback_wherever_it_stands(mixvllm: Command) -> None:
    ran = mixvllm("config", "show", "--vllm-args", "--debug")

    assert ran.code == 1
    assert "Traceback" in ran.err


def test_help_is_printed_for_every_command(mixvllm: Command) -> None:
    for words in ((), ("config",), ("config", "show"), ("config", "validate")):
        ran = mixvllm(*words, "--help")
        assert ran.code == 0
        assert "Usage: mixvllm" in ran.out


def test_a_group_without_a_command_prints_its_help_and_no_more(mixvllm: Command) -> None:
    for words in ((), ("config",)):
        ran = mixvllm(*words)
        assert (ran.code, ran.err) == (2, "")
        assert "Commands" in ran.out


def test_a_reader_that_leaves_early_is_no_failure_to_tell(tmp_path: Path) -> None:
    command = f"{sys.executable} -m mixvllm config show --format yaml | head -1"
    ended = subprocess.run(
        command, shell=True, capture_output=True, text=True, cwd=tmp_path, check=False
    )

    assert ended.stderr == ""
    assert ended.returncode == 0


@pytest.mark.parametrize(("colour", "escapes"), [("NO_COLOR", False), ("FORCE_COLOR", True)])
def test_the_colour_variables_are_honoured(
    tmp_path: Path, colour: str, escapes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(colour, "1")
    ended = subprocess.run(
        [sys.executable, "-m", "mixvllm", "config", "validate", "none.yaml"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )

    assert ("\x1b[" in ended.stdout) is escapes


@pytest.mark.parametrize(
    ("redirection", "code", "said"),
    [
        (">&-", 0, ""),
        ("2>&-", 0, ""),
        (">&- 2>&-", 0, ""),
        (">/dev/full", 1, "error: The answer cannot be written: No space left on device.\n"),
    ],
)
@pytest.mark.parametrize("form", ["json", "table"])
def test_streams_that_take_nothing_give_no_traceback(
    tmp_path: Path, form: str, redirection: str, code: int, said: str
) -> None:
    command = f"{sys.executable} -m mixvllm config show --model m --format {form} {redirection}"
    ended = subprocess.run(
        command, shell=True, capture_output=True, text=True, cwd=tmp_path, check=False
    )

    assert (ended.returncode, ended.stderr) == (code, said)


@pytest.mark.parametrize("command", ["status", "stop"])
def test_where_no_runtime_directory_can_be_no_server_runs(
    mixvllm: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "file"))

    ran = mixvllm(command)

    assert (ran.code, ran.err) == (0, "")
    assert "No server is running" in ran.out


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize("form", ["table", "yaml", "json"])
def test_a_name_that_the_locale_cannot_write_is_no_failure(
    tmp_path: Path, form: str, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    command = [sys.executable, "-m", "mixvllm", "config", "show", "--model", "日本"]

    ended = subprocess.run(
        [*command, "--format", form], capture_output=True, cwd=tmp_path, check=False
    )

    assert (ended.returncode, ended.stderr) == (0, b"")
    if form == "json":
        shown = json.loads(ended.stdout.decode(encoding))
        assert shown["settings"]["model"]["name"] == "日本"


@pytest.mark.parametrize(
    ("arguments", "more"),
    [
        (("serve", "./nothing/here"), "More: mixvllm explain model-not-found"),
        (
            ("config", "show", "--port", "80", "--", "--no-such-thing"),
            "More: mixvllm explain unknown-setting (or invalid-value)",
        ),
        (("config", "validate", "no.yaml"), "More: mixvllm explain unreadable-file"),
    ],
)
def test_a_failure_names_the_lesson_about_it(
    mixvllm: Command, arguments: tuple[str, ...], more: str
) -> None:
    ran = mixvllm(*arguments)

    assert ran.err.splitlines()[-1].strip() == more


@pytest.mark.parametrize("arguments", [("config", "show", "--prt", "1"), ("explain", "nothing")])
def test_a_failure_whose_message_says_all_names_none(
    mixvllm: Command, arguments: tuple[str, ...]
) -> None:
    assert "More:" not in mixvllm(*arguments).err


def test_completion_that_cannot_be_installed_is_no_defect(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("no directory")
    # typer's own way to be told the shell.
    told = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1", "HOME": str(tmp_path / "home")}

    ended = subprocess.run(
        [sys.executable, "-m", "mixvllm", "--install-completion", "bash"],
        env=os.environ | told,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert "Completion cannot be installed: " in ended.stderr
    assert "_MIXVLLM_COMPLETE=source_bash mixvllm" in ended.stderr
