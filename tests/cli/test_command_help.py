"""`--help` of the commands."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mixvllm.cli.reference import command_paths
from tests.cli.command import Command

# What takes longer to import than all of `--help`.
HEAVY = ("pydantic", "openai", "mcp", "vllm", "torch")
SHOWN = ("serve", "estimate-kv", "gpus", "chat", "status", "stop", "explain")
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


@pytest.mark.parametrize("path", [*SHOWN, "config show", "config validate", "config init"])
def test_help_loads_nothing_that_only_the_command_needs(path: str) -> None:
    code = (
        "import sys\nfrom mixvllm.cli.app import main\n"
        f"try: main([*{path.split()}, '--help'])\n"
        f"finally: print(*[name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert f"Usage: mixvllm {path}" in ran.stdout
    assert ran.stderr.split() == []
