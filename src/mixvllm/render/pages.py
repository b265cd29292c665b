"""Pages for terminals: the blocks of our Markdown as Rich draws them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.constrain import Constrain
from rich.padding import Padding
from rich.rule import Rule
from rich.segment import Segment
from rich.table import Table as RichTable
from rich.text import Text

from mixvllm.lessons.diagram import lines_of
from mixvllm.lessons.lesson import Lesson
from mixvllm.lessons.markdown import (
    Block,
    Code,
    Heading,
    Items,
    Paragraph,
    Quote,
    Spans,
    Table,
    blocks_of,
)
from mixvllm.lessons.spans import plain_text
from mixvllm.render.theme import ASIDE, MARK, NAME

# Longer lines are hard to read, whatever the terminal has.
WIDEST = 100
# Between two columns of a table.
GAP = 2
LOOKS = {"plain": "", "code": NAME, "bold": NAME, "italic": ASIDE}


def page_view(markdown: str) -> RenderableType:
    """A page in the Markdown of the documentation."""
    return Constrain(Group(*_spaced(blocks_of(markdown))), WIDEST)


def read_on(lesson: Lesson) -> RenderableType:
    """The lessons that a lesson leads to."""
    topics = ", ".join(lesson.see_also)
    return Constrain(Text.assemble("\n", "mixvllm explain", ": ", topics), WIDEST)


def _spaced(blocks: Sequence[Block]) -> Iterator[RenderableType]:
    for index, block in enumerate(blocks):
        if index:
            yield Text()
        yield _drawn(block)


def _drawn(block: Block) -> RenderableType:
    match block:
        case Heading(1):
            return Group(line_of(block.spans, NAME), Rule(style=MARK, characters="-"))
        case Heading():
            return line_of(block.spans, NAME)
        case Paragraph():
            return line_of(block.spans)
        case Items():
            return _items(block)
        case Table():
            return _FittingTable(block)
        case Code():
            return _code(block)
        case Quote():
            return _Barred(Group(*_spaced(block.blocks)))


def line_of(spans: Spans, style: str = "") -> Text:
    """A line of text with its looks; a link to the web shows its address."""
    text = Text(style=style)
    for span in spans:
        text.append(span.text, style=LOOKS[span.look])
        is_address = bool(span.target) and "://" in str(span.target)
        if is_address and span.target != span.text:
            text.append(f" <{span.target}>")
    return text


def _items(block: Items) -> RenderableType:
    table = RichTable.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for number, item in enumerate(block.items, start=1):
        table.add_row(Text(f"{number}." if block.ordered else "-"), line_of(item))
    return table


def _code(block: Code) -> RenderableType:
    """As it stands, folded where the terminal is too narrow; a chart in words."""
    text = "\n".join(lines_of(block.text)) if block.language == "mermaid" else block.text
    return Padding(Text(text, overflow="fold"), (0, 0, 0, 2))


def _column_widths(columns: Sequence[Sequence[Spans]], room: int) -> list[int] | None:
    """As wide as they wish, else with whole words; None where not even those fit."""
    wished = [max(cell_len(plain_text(cell)) for cell in cells) for cells in columns]
    needed = [
        max(cell_len(word) for cell in cells for word in ["", *plain_text(cell).split()])
        for cells in columns
    ]
    left = room - sum(needed)
    if sum(wished) <= room:
        return wished
    if left < 0:
        return None
    # Who wishes for more gets more of what is left.
    more = [wish - need for wish, need in zip(wished, needed, strict=True)]
    return [need + left * part // sum(more) for need, part in zip(needed, more, strict=True)]


@dataclass(frozen=True)
class _Barred:
    """What is set apart, with a bar at each of its lines."""

    inside: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        narrower = options.update(width=max(1, options.max_width - 2))
        for line in console.render_lines(self.inside, narrower, pad=False):
            yield Segment("| ", console.get_style(MARK))
            yield from line
            yield Segment.line()


@dataclass(frozen=True)
class _FittingTable:
    """A table; in a terminal too narrow for it a paragraph for each row."""

    table: Table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = list(zip(self.table.header, *self.table.rows, strict=True))
        widths = _column_widths(columns, options.max_width - GAP * (len(columns) - 1))
        if widths is None:
            yield Group(*self._records())
            return
        drawn = RichTable(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style=NAME)
        for cell, width in zip(self.table.header, widths, strict=True):
            drawn.add_column(line_of(cell), width=width)
        for row in self.table.rows:
            drawn.add_row(*(line_of(cell) for cell in row))
        yield drawn

    def _records(self) -> Iterator[RenderableType]:
        for index, (first, *rest) in enumerate(self.table.rows):
            if index:
                yield Text()
            yield line_of(first, NAME)
            for title, cell in zip(self.table.header[1:], rest, strict=True):
                yield Padding(Text.assemble(line_of(title), ": ", line_of(cell)), (0, 0, 0, 2))
