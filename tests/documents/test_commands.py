"""Every command that README and manual show is one that there is, option by option."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import typer

from mixvllm.cli.app import COMMANDS, split_pass_through
from mixvllm.cli.command_table import CommandTable, load_command
from mixvllm.server.metrics.route_names import OTHER, route_of
from mixvllm.settings.layers.vllm_flags import parse_vllm_flags
from tests.documents.blocks import ROOT, Command, all_commands

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
# Words that stand for what the reader puts there, and brackets around what may be left out.
PLACEHOLDER = re.compile(r"^\.\.\.$|^\[.*\]$|^\[|\]$|^[A-Z]+\.\.\.$|\|")
# Programs of others: what is said of them is theirs to check.
FOREIGN = frozenset(
    {
        *("docker", "helm", "kubectl", "podman", "install", "systemctl", "journalctl", "useradd"),
        *("git", "hf", "pipx", "python", "python3", "uv", "uvx", "vllm", "ray", "nvidia-smi"),
        *("export", "kill"),
    }
)


def check_mixvllm(words: Sequence[str]) -> None:
    """Options and arguments are parsed by the real parser of the command."""
    ours, passed_on = split_pass_through([word for word in words if not PLACEHOLDER.search(word)])
    command, path = root(), "mixvllm"
    while isinstance(command, CommandTable) and ours and not ours[0].startswith("-"):
        path += f" {ours[0]}"
        assert ours[0] in command.table, f"{path}: there is no such command"
        command = load_command(command.table, ours.pop(0))
    if not isinstance(command, CommandTable):
        with typer.Context(command, info_name=path, **command.context_settings) as context:
            command.make_parser(context).parse_args(list(ours))
    assert parse_vllm_flags(passed_on or ()).unread == ()


def root() -> Any:
    from mixvllm.cli.app import app

    return typer.main.get_command(app)


def check_nox(words: Sequence[str]) -> None:
    """The sessions are there."""
    source = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    sessions = re.findall(r"^def (\w+)\(session: nox\.Session\) -> None:", source, re.MULTILINE)
    if "-s" in words:
        assert words[words.index("-s") + 1] in sessions
    for word in words[words.index("--") + 1 :] if "--" in words else ():
        assert not word.endswith(".py") or (ROOT / word).is_file()


def check_pip(words: Sequence[str]) -> None:
    """Our extras are there, and files of requirements."""
    extras = PROJECT["project"]["optional-dependencies"]
    for word in words:
        if match := re.fullmatch(r"mixvllm\[(.+)\]", word):
            assert set(match[1].split(",")) <= set(extras)
        if word.endswith(".txt"):
            assert (ROOT / word).is_file()


def check_curl(words: Sequence[str]) -> None:
    """The path is a route of ours or of vLLM's."""
    (url,) = [word for word in words if re.match(r"(https?://)?[\w.]+:\d+|https?://", word)]
    path = re.sub(r"^(https?://)?[^/]+", "", url).partition("?")[0]
    assert route_of(path or "/") != OTHER, f"no route {path}"


CHECKS: dict[str, Callable[[Sequence[str]], None]] = {
    "mixvllm": check_mixvllm,
    "mixvllm-chat": lambda words: check_mixvllm(["chat", *words]),
    "nox": check_nox,
    "pip": check_pip,
    "curl": check_curl,
}


@pytest.mark.parametrize("command", all_commands(), ids=str)
def test_a_command_that_is_shown_is_one_that_there_is(command: Command) -> None:
    for program, *words in command.parts():
        name = program.rpartition("/")[2]
        check = CHECKS.get(name)
        assert check is not None or name in FOREIGN, f"nobody checks {name}"
        if check is not None:
            check(words)


@pytest.mark.parametrize(
    "line",
    ["serve demo --prt 8000", "estimate-kw M", "config validat f", "serve demo -- --no-such-thing"],
)
def test_a_mistake_would_be_seen(line: str) -> None:
    with pytest.raises((typer.TyperException, AssertionError)):
        check_mixvllm(line.split())


def test_every_command_of_the_program_is_shown_somewhere() -> None:
    shown = {part[1] for command in all_commands() for part in command.parts() if part[1:]}

    assert set(COMMANDS) <= shown
