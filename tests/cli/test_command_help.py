"""`--help` of the commands."""

from __future__ import annotations

import pytest

from mixvllm.cli.reference import command_paths
from tests.cli.command import Command

PYTHONS_WORDS = ("<bool>", "<int", "<path>", "list[", "[[", "x>=", "…")


@pytest.mark.parametrize("path", list(command_paths()), ids=" ".join)
def test_help_speaks_of_values_and_not_of_types_of_python(
    mixvllm: Command, monkeypatch: pytest.MonkeyPatch, path: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    ran = mixvllm(*path, "--help")

    assert (ran.code, ran.err) == (0, "")
    assert not [word for word in PYTHONS_WORDS if word in ran.out]
    assert f"Usage: mixvllm {' '.join(path)}" in ran.out


def test_help_tells_ranges_defaults_and_choices_in_words(mixvllm: Command) -> None:
    watch = mixvllm("gpus", "--help").out
    validate = mixvllm("config", "validate", "--help").out

    assert "[at least 0.1; default: every 2 s]" in " ".join(watch.replace("│", " ").split())
    assert "--format text|json|github  How the report is written. [default: text]" in validate
    assert "[FILE]..." in validate
