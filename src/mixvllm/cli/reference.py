"""Write the generated documents, or check them: `python -m mixvllm.cli.reference [--check]`.

`docs/cli.md` is what `--help` prints, asked of the real command in a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from difflib import unified_diff
from functools import partial
from pathlib import Path

from mixvllm.cli.app import COMMANDS
from mixvllm.cli.command_table import CommandTable, load_command
from mixvllm.cli.exit_status import ExitStatus
from mixvllm.cli.reference_json import json_page
from mixvllm.cli.reference_pictures import PICTURES, picture_of
from mixvllm.cli.reference_surroundings import LOOKS
from mixvllm.lessons.library import FOLDER, lessons
from mixvllm.settings.fields import all_fields
from mixvllm.settings.flags import flags_text
from mixvllm.settings.json_schema import CONFIG_SCHEMA_FILE, config_schema, schema_text
from mixvllm.settings.mcp_schema import MCP_SCHEMA_FILE, mcp_schema
from mixvllm.settings.reference import reference_yaml, settings_page

HELP_COLUMNS = 100
CLI_HEADER = """\
# Command line

Generated from `--help` by `python -m mixvllm.cli.reference`. Answers go to stdout, words and
progress to stderr; `--json` makes the answer [one JSON document](json.md). Exit codes:

| code | when |
| --- | --- |
"""


def cli_page() -> str:
    """`--help` of every command, as it looks in a terminal of a fixed width."""
    paths = [(), *command_paths()]
    with ThreadPoolExecutor(max_workers=4) as threads:
        helps = list(threads.map(help_text, paths))
    parts = [CLI_HEADER, *(f"| {int(each)} | {each.meaning} |\n" for each in ExitStatus)]
    for path, text in zip(paths, helps, strict=True):
        title = " ".join(("mixvllm", *path))
        parts.append(f"\n## `{title}`\n\n```text\n{text}\n```\n")
    return "".join(parts)


def command_paths() -> Iterator[tuple[str, ...]]:
    """Every command of the table, and the commands of its groups."""
    for name in COMMANDS:
        yield (name,)
        command = load_command(COMMANDS, name)
        if isinstance(command, CommandTable):
            yield from ((name, inner) for inner in command.table)


def help_text(path: Sequence[str]) -> str:
    """What `--help` of a command prints, without colour and trailing blanks."""
    environment = {name: value for name, value in os.environ.items() if name not in LOOKS}
    environment |= {"COLUMNS": str(HELP_COLUMNS), "NO_COLOR": "1", "TERM": "dumb"}
    ran = subprocess.run(
        [sys.executable, "-m", "mixvllm", *path, "--help"],
        env=environment | {"PYTHONIOENCODING": "utf-8"},
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    lines = [line.rstrip() for line in ran.stdout.splitlines()]
    return "\n".join(lines).strip("\n")


def settings_page_with_lessons() -> str:
    """The page of all settings, each with a link to the lesson that explains it."""
    pages = {key: f"{FOLDER}/{lesson.topic}.md" for lesson in lessons() for key in lesson.explains}
    return settings_page(pages)


DOCUMENTS: dict[str, Callable[[], str]] = {
    "configs/reference.yaml": reference_yaml,
    "docs/settings.md": settings_page_with_lessons,
    f"docs/{CONFIG_SCHEMA_FILE}": lambda: schema_text(config_schema()),
    f"docs/{MCP_SCHEMA_FILE}": lambda: schema_text(mcp_schema()),
    # Before the command line's page, which reads it.
    "src/mixvllm/settings/flags.json": lambda: flags_text(all_fields()),
    "docs/cli.md": cli_page,
    "docs/json.md": json_page,
    **{
        f"docs/pictures/{name}.svg": partial(picture_of, command)
        for name, command in PICTURES.items()
    },
}


def outdated(root: Path) -> Iterator[tuple[str, str]]:
    """The documents below `root` that are not what they should be, with the text they should be.

    One is written before the next is made, which may read it.
    """
    for name, generate in DOCUMENTS.items():
        text = generate()
        if _there(root / name) != text:
            yield name, text


def _there(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.is_file() else None


def main(arguments: Sequence[str], root: Path = Path()) -> int:
    """Write the documents of the repository at `root`, or only check them."""
    if not (root / "pyproject.toml").is_file():
        sys.stderr.write("run this in the repository's root\n")
        return 2
    if list(arguments) not in ([], ["--check"]):
        sys.stderr.write("usage: python -m mixvllm.cli.reference [--check]\n")
        return 2
    if arguments:
        found = dict(outdated(root))
        for name, text in found.items():
            there = (_there(root / name) or "").splitlines()
            if not name.endswith(".svg"):  # nobody reads what has changed in a picture
                lines = unified_diff(there, text.splitlines(), name, f"{name} (now)", lineterm="")
                sys.stdout.writelines(f"{line}\n" for line in lines)
            sys.stderr.write(
                f"{name} is out of date: `python -m mixvllm.cli.reference` writes it\n"
            )
        return 1 if found else 0
    for name, text in outdated(root):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
        sys.stderr.write(f"wrote {name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
