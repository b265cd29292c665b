"""The help of a group of commands, in the look that typer gives to the help of commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class GroupHelp:
    """What the help of a group says.

    Attributes:
        usage: The usage line without the word.
        text: Paragraphs, divided by empty lines.
        options: Names and help of each option.
        commands: Name and help of each command.
        epilog: A last remark.
    """

    usage: str
    text: str
    options: Sequence[tuple[str, str]]
    commands: Sequence[tuple[str, str]]
    epilog: str = ""


def render_group_help(shown: GroupHelp) -> RenderableType:
    """Usage, paragraphs, a panel of options and a panel of commands."""
    paragraphs = [" ".join(part.split()) for part in shown.text.split("\n\n")]
    parts: list[RenderableType] = [
        Padding(Text.assemble(("Usage: ", "yellow"), (shown.usage, "bold")), (1, 1)),
        *(Padding(Text(paragraph), (0, 1, 1, 1)) for paragraph in paragraphs if paragraph),
        _panel("Options", shown.options),
        _panel("Commands", shown.commands),
    ]
    if shown.epilog:
        parts.append(Padding(Text(shown.epilog), (1, 1)))
    return Group(*parts)


def _panel(title: str, rows: Sequence[tuple[str, str]]) -> Panel:
    table = Table.grid(padding=(0, 2))
    for name, text in rows:
        table.add_row(Text(name, style="bold cyan", no_wrap=True), Text(text))
    return Panel(table, title=title, title_align="left", border_style="dim")
