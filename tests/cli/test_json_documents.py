"""The page of JSON documents has every command that writes one, and every place that does."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

import mixvllm.cli
from mixvllm.cli.app import COMMANDS, app
from mixvllm.cli.command_table import CommandTable, load_command
from mixvllm.cli.json_documents import DOCUMENTS
from mixvllm.cli.reference_json import asked

# The two ways of `Output` to write a document; its own methods write the failures.
WRITES = re.compile(r"\b(output|self)\.(answer|json)\(")
SOURCES = sorted(Path(mixvllm.cli.__file__).parent.glob("*.py"))
TITLES = [each.title for each in DOCUMENTS]


def commands_with_json() -> Iterator[str]:
    root: Any = typer.main.get_command(app)
    if "--json" in spellings(root):
        yield "mixvllm --version"
    for name in COMMANDS:
        command = load_command(COMMANDS, name)
        inner = command.table if isinstance(command, CommandTable) else {}
        commands = {f"{name} {each}": load_command(inner, each) for each in inner}
        for path, each in (commands or {name: command}).items():
            if "--json" in spellings(each):
                yield f"mixvllm {path}"


def spellings(command: Any) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts}


def test_every_command_that_writes_json_is_on_the_page() -> None:
    found = set(commands_with_json())

    assert {"mixvllm chat", "mixvllm config show", "mixvllm gpus", "mixvllm --version"} <= found
    shown = {each for each in found if any(re.match(f"`{each}[ `]", title) for title in TITLES)}
    assert found - shown == set()


def test_every_place_that_writes_a_document_is_on_the_page() -> None:
    writing = {path.stem for path in SOURCES if WRITES.search(path.read_text(encoding="utf-8"))}

    assert writing == {each.writer for each in DOCUMENTS}


def test_no_document_is_told_twice() -> None:
    assert len(set(TITLES)) == len(TITLES)


def test_an_example_is_asked_for_as_json_however_the_command_calls_it() -> None:
    assert asked("config show --format json") == ["config", "show", "--format", "json"]
    assert asked("explain 'a b'") == ["explain", "a b", "--json"]
