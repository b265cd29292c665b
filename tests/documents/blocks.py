"""What a page shows in its fences: commands with their output, and files."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(
    r"^(?P<fence>```+) ?(?P<language>[\w-]*)[^\n]*\n(?P<text>.*?)^(?P=fence)$", re.S | re.M
)
INLINE = re.compile(r"(?<!`)`((?:mixvllm|nox) [^`]+)`(?!`)")
# `$ `, `# ` of root, or a machine's name before it.
PROMPT = re.compile(r"^(?:\w+)?[$#] +(?=\S)")
VARIABLE = re.compile(r"^[A-Z_][A-Z0-9_]*=")
SHELL = frozenset({"console", "bash", "sh", "shell"})


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    language: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command line, with what the page shows below it."""

    page: str
    line: str
    shown: list[str] = field(default_factory=list, compare=False)

    def parts(self) -> list[list[str]]:
        """The words of each command of the line, without variables that are set before it."""
        words = shlex.split(self.line, comments=True)
        parts: list[list[str]] = [[]]
        for word in words:
            if word in ("&&", "||", "|", ";", "&"):
                parts.append([])
            elif parts[-1] or not VARIABLE.match(word):
                parts[-1].append(word)
        return [part for part in parts if part]

    def __str__(self) -> str:
        return f"{self.page}: {self.line}"


def name_of(page: Path) -> str:
    """The page as the tests call it."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page."""
    for match in FENCE.finditer(page.read_text(encoding="utf-8")):
        yield Block(name_of(page), match["language"], match["text"])


def commands(block: Block) -> Iterator[Command]:
    """The command lines of a block; one that ends in a backslash goes on in the next line."""
    prompted = block.language == "console" or PROMPT.match(block.text)
    command: Command | None = None
    lines = iter(block.text.splitlines())
    for line in lines:
        prompt = PROMPT.match(line)
        if prompt or (not prompted and line.strip() and not line.startswith("#")):
            if command is not None:
                yield command
            typed = line[prompt.end() if prompt else 0 :]
            while typed.endswith("\\"):
                typed = typed.removesuffix("\\") + next(lines)
            command = Command(block.page, typed)
        elif command is not None:
            command.shown.append(line)
    if command is not None:
        yield command


def shell_blocks() -> Iterator[Block]:
    """The blocks of all pages that are typed into a shell."""
    for page in PAGES:
        for block in blocks(page):
            if block.language in SHELL or (
                block.language in ("", "text") and block.text.startswith("$ ")
            ):
                yield block


def all_commands() -> list[Command]:
    """Every command line of every page, those within sentences included."""
    found = [command for block in shell_blocks() for command in commands(block)]
    for page in PAGES:
        prose = FENCE.sub("", page.read_text(encoding="utf-8"))
        found += (
            Command(name_of(page), " ".join(match[1].split())) for match in INLINE.finditer(prose)
        )
    return list(dict.fromkeys(found))
