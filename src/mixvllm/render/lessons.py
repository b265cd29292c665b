"""Lessons for terminals: the blocks of a page as Rich draws them, and lists of topics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.constrain import Constrain
from rich.measure import Measurement
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

# Longer lines are hard to read, whatever the terminal has.
WIDEST = 100
LOOKS = {"plain": "", "code": "cyan", "bold": "bold", "italic": "italic"}


def page_view(markdown: str) -> RenderableType:
    """A page in the Markdown of the documentation."""
    return Constrain(Group(*_spaced(blocks_of(markdown))), WIDEST)


def read_on(lesson: Lesson) -> RenderableType:
    """The lessons that a lesson leads to."""
    topics = ", ".join(lesson.see_also)
    return Constrain(Text.assemble("\n", ("mixvllm explain", "dim"), ": ", topics), WIDEST)


def topics_view(lessons: Sequence[Lesson]) -> RenderableType:
    """The topics by group, each with its first sentence."""
    table = RichTable.grid(padding=(0, 2), pad_edge=False)
    table.add_column(no_wrap=True)
    for group, members in groupby(lessons, key=lambda lesson: lesson.group):
        if table.row_count:
            table.add_row()
        table.add_row(Text(group, style="bold"))
        for lesson in members:
            table.add_row(Text(f"  {lesson.topic}", style="cyan"), Text(lesson.summary))
    ways = "`mixvllm explain TOPIC`, also of a flag (--gpu-memory) or a key (server.port)."
    return Constrain(Group(table, Text(), Text(ways, style="dim")), WIDEST)


def lesson_as_json(lesson: Lesson) -> dict[str, Any]:
    """A lesson for programs."""
    return {
        **topic_as_json(lesson),
        "explains": list(lesson.explains),
        "see_also": list(lesson.see_also),
        "sources": list(lesson.sources),
        "markdown": lesson.markdown,
    }


def topic_as_json(lesson: Lesson) -> dict[str, Any]:
    """A row of the list of topics."""
    return {
        "topic": lesson.topic,
        "title": lesson.title,
        "group": lesson.group,
        "summary": lesson.summary,
        "other_names": list(lesson.other_names),
    }


def _spaced(blocks: Sequence[Block]) -> Iterator[RenderableType]:
    for index, block in enumerate(blocks):
        if index:
            yield Text()
        yield _drawn(block)


def _drawn(block: Block) -> RenderableType:
    match block:
        case Heading(1):
            return Group(_text(block.spans, "bold"), Rule(style="dim", characters="-"))
        case Heading():
            return _text(block.spans, "bold")
        case Paragraph():
            return _text(block.spans)
        case Items():
            return _items(block)
        case Table():
            return _FittingTable(block)
        case Code():
            return _code(block)
        case Quote():
            return _Barred(Group(*_spaced(block.blocks)))


def _text(spans: Spans, style: str = "") -> Text:
    text = Text(style=style)
    for span in spans:
        text.append(span.text, style=LOOKS[span.look])
        is_address = bool(span.target) and "://" in str(span.target)
        if is_address and span.target != span.text:
            text.append(f" <{span.target}>", style="dim")
    return text


def _items(block: Items) -> RenderableType:
    table = RichTable.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    for number, item in enumerate(block.items, start=1):
        table.add_row(Text(f"{number}." if block.ordered else "-", style="dim"), _text(item))
    return table


def _code(block: Code) -> RenderableType:
    """As it stands, folded where the terminal is too narrow; a chart in words."""
    text = "\n".join(lines_of(block.text)) if block.language == "mermaid" else block.text
    style = "" if block.language == "mermaid" else "cyan"
    return Padding(Text(text, style=style, overflow="fold"), (0, 0, 0, 2))


@dataclass(frozen=True)
class _Barred:
    """What is set apart, with a bar at each of its lines."""

    inside: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        narrower = options.update(width=max(1, options.max_width - 2))
        for line in console.render_lines(self.inside, narrower, pad=False):
            yield Segment("| ", console.get_style("dim"))
            yield from line
            yield Segment.line()


@dataclass(frozen=True)
class _FittingTable:
    """A table; in a terminal too narrow for it a paragraph for each row."""

    table: Table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        drawn = RichTable(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
        for cell in self.table.header:
            drawn.add_column(_text(cell))
        for row in self.table.rows:
            drawn.add_row(*(_text(cell) for cell in row))
        needed = Measurement.get(console, options.update(max_width=1000), drawn).minimum
        yield drawn if needed <= options.max_width else Group(*self._records())

    def _records(self) -> Iterator[RenderableType]:
        for index, (first, *rest) in enumerate(self.table.rows):
            if index:
                yield Text()
            yield _text(first, "bold")
            for title, cell in zip(self.table.header[1:], rest, strict=True):
                yield Padding(Text.assemble(_text(title, "dim"), ": ", _text(cell)), (0, 0, 0, 2))
