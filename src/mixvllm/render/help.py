"""What `--help` prints, for a command and for a group of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

from mixvllm.render.theme import MARK, NAME, TITLE

# The share of a panel that names may take; who has a longer one is explained below it.
NAMES_SHARE = 0.45
# Below this width every explanation stands below its name.
NARROW = 44
INDENT, GAP = 4, 2


@dataclass(frozen=True)
class HelpRow:
    """One option, argument or command.

    Attributes:
        name: What is written (`--config, -c`).
        text: What it does, in Rich's markup.
        value: What is written behind it (`FILE`), if anything.
    """

    name: str
    text: str
    value: str = ""

    @property
    def label(self) -> Text:
        """The name and its value."""
        label = Text(self.name, style=NAME)
        return Text.assemble(label, f" {self.value}") if self.value else label


@dataclass(frozen=True)
class HelpPage:
    """What the help of a command says.

    Attributes:
        usage: The usage line without the word.
        text: Paragraphs in Rich's markup, divided by empty lines.
        panels: The rows of each panel, by its title.
        epilog: A last remark, in Rich's markup; its lines are kept.
    """

    usage: str
    text: str
    panels: Sequence[tuple[str, Sequence[HelpRow]]]
    epilog: str = ""


def render_help(page: HelpPage) -> RenderableType:
    """Usage, paragraphs, a panel for each kind of option, and the remark."""
    paragraphs = [" ".join(part.split()) for part in page.text.split("\n\n")]
    parts: list[RenderableType] = [
        Padding(Text.assemble(("Usage: ", NAME), page.usage), (1, 1)),
        *(Padding(Text.from_markup(each), (0, 1, 1, 1)) for each in paragraphs if each),
        *(_panel(title, rows) for title, rows in page.panels if rows),
    ]
    if page.epilog:
        parts.append(Padding(Text.from_markup(page.epilog), (1, 1)))
    return Group(*parts)


def _panel(title: str, rows: Sequence[HelpRow]) -> Panel:
    return Panel(_Rows(rows), title=Text(title, style=TITLE), title_align="left", border_style=MARK)


@dataclass(frozen=True)
class _Rows:
    """Names on the left, what they do on the right; in a narrow terminal below them."""

    rows: Sequence[HelpRow]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        indent = self._indent(width)
        for row in self.rows:
            label, text = row.label, Text.from_markup(row.text)
            lines = list(text.wrap(console, max(1, width - indent)))
            if label.cell_len > indent - GAP:
                label.overflow = "fold"
                yield label
                label = Text()
            yield from _beside(label, lines, indent)

    def _indent(self, width: int) -> int:
        longest = 0 if width < NARROW else int(width * NAMES_SHARE)
        lengths = [row.label.cell_len for row in self.rows]
        return max((each + GAP for each in lengths if each <= longest), default=INDENT)


def _beside(label: Text, lines: Sequence[Text], indent: int) -> Iterator[Text]:
    """The lines, indented, the first of them behind the label."""
    labels = [label] if label else []
    for left, line in zip_longest(labels, lines, fillvalue=Text()):
        line.rstrip()
        yield Text.assemble(left, " " * (indent - left.cell_len), line)
