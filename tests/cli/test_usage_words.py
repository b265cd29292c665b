"""What is said of a command line that cannot be read."""

from __future__ import annotations

import os

import pytest

from tests.cli.command import Command
from tests.cli.screen import screen


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("gpus --require x", "--require: must be a whole number, at least 1, not 'x'."),
        ("gpus --require 0", "--require: must be at least 1, not '0'."),
        ("gpus --timeout soon", "--timeout: must be a number, at least 0.1, not 'soon'."),
        ("stop eight", "PORT: must be a whole number, not 'eight'."),
        (
            "config validate --format xml a",
            "--format: must be one of text, json, github, not 'xml'.",
        ),
        ("config show --port", "--port needs a value."),
        ("serve --port", "--port needs a value."),
        ("gpus --topology=yes", "--topology takes no value."),
        ("status of it", "`mixvllm status` has no use for 'of it'."),
    ],
)
def test_a_value_that_cannot_be_read_is_told_with_what_can(
    mixvllm: Command, words: str, said: str
) -> None:
    ran = mixvllm(*words.split())

    assert ran.code == 2
    command = " ".join(words.split()[: 2 if words.startswith("config") else 1])
    assert ran.err == f"error: {said}\n  Try 'mixvllm {command} --help'.\n"


@pytest.mark.parametrize(
    ("typed", "meant"), [("--gpu-memroy", "--gpu-memory"), ("--confg", "--config")]
)
def test_the_nearest_option_is_named(mixvllm: Command, typed: str, meant: str) -> None:
    ran = mixvllm("serve", typed, "1")

    assert ran.code == 2
    assert f"No such option: {typed}\n  Did you mean {meant}? Try 'mixvllm serve" in ran.err


def test_in_a_terminal_a_message_is_broken_between_words_and_a_hint_stays_indented(
    mixvllm: Command,
) -> None:
    piped = mixvllm("estimate-kv").err
    error, *hints = piped.splitlines()

    with screen(["estimate-kv"], dict(os.environ), columns=50) as shown:
        shown.wait()

    assert shown.lines[0] == error
    assert all(line.startswith("  ") for line in shown.lines[1:])
    assert len(shown.lines) > 1 + len(hints)
    assert " ".join(shown.text.split()) == " ".join(piped.split())
