"""The Markdown that our pages are written in, as blocks.

A subset: headings, paragraphs, lists of one level, tables, fenced code and quotes. A parser of all
of Markdown takes a third of the time that a short command has; `tests/lessons/test_markdown.py`
holds every page, and this reading of it, against one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mixvllm.lessons.spans import Span, spans_of

Spans = tuple[Span, ...]

HEADING = re.compile(r"(#{1,6}) +(.+)")
ITEM = re.compile(r"(?:[-*]|(?P<number>\d+)\.) +(?P<text>.*)")
FENCE = re.compile(r"(`{3,})(\S*)")
TABLE_RULE = re.compile(r"\|?[\s:|-]*-[\s:|-]*")
CELL_END = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Heading:
    """A heading, 1 is the page's own."""

    level: int
    spans: Spans


@dataclass(frozen=True)
class Paragraph:
    """Text that is wrapped."""

    spans: Spans


@dataclass(frozen=True)
class Items:
    """A list; `ordered` ones are numbered from 1."""

    ordered: bool
    items: tuple[Spans, ...]


@dataclass(frozen=True)
class Table:
    """A table; every row has as many cells as the header."""

    header: tuple[Spans, ...]
    rows: tuple[tuple[Spans, ...], ...]


@dataclass(frozen=True)
class Code:
    """Lines that are shown as they are."""

    language: str
    text: str


@dataclass(frozen=True)
class Quote:
    """What is set apart from the text."""

    blocks: tuple[Block, ...]


Block = Heading | Paragraph | Items | Table | Code | Quote
Taken = tuple[Block, int]


def blocks_of(markdown: str) -> tuple[Block, ...]:
    """The blocks of a page."""
    return _blocks(markdown.splitlines())


def groups_of(lines: Sequence[str]) -> Iterator[tuple[Block, Sequence[str]]]:
    """Each block with the lines that it was written in; what is empty between them is left out."""
    at = 0
    while at < len(lines):
        begin = at
        if lines[at].strip():
            block, at = _reader(lines, at)(lines, at)
            yield block, lines[begin:at]
        else:
            at += 1


def _blocks(lines: Sequence[str]) -> tuple[Block, ...]:
    return tuple(block for block, _ in groups_of(lines))


def _reader(lines: Sequence[str], at: int) -> Callable[[Sequence[str], int], Taken]:
    line = lines[at]
    if HEADING.match(line):
        return _heading
    if FENCE.match(line):
        return _code
    if line.startswith(">"):
        return _quote
    if ITEM.match(line):
        return _items
    is_table = line.startswith("|") and at + 1 < len(lines) and TABLE_RULE.fullmatch(lines[at + 1])
    return _table if is_table else _paragraph


def _heading(lines: Sequence[str], at: int) -> Taken:
    found = HEADING.match(lines[at])
    assert found
    return Heading(len(found[1]), spans_of(found[2])), at + 1


def _code(lines: Sequence[str], at: int) -> Taken:
    found = FENCE.match(lines[at])
    assert found
    end = at + 1
    while end < len(lines) and lines[end] != found[1]:
        end += 1
    return Code(found[2], "\n".join(lines[at + 1 : end])), end + 1


def _quote(lines: Sequence[str], at: int) -> Taken:
    end = at
    while end < len(lines) and lines[end].startswith(">"):
        end += 1
    inner = [line.removeprefix(">").removeprefix(" ") for line in lines[at:end]]
    return Quote(_blocks(inner)), end


def _items(lines: Sequence[str], at: int) -> Taken:
    first = ITEM.match(lines[at])
    assert first
    texts: list[str] = []
    while at < len(lines) and (found := ITEM.match(lines[at])):
        text, at = found["text"], at + 1
        while at < len(lines) and lines[at].startswith(" "):
            text, at = f"{text} {lines[at].strip()}", at + 1
        texts.append(text)
    return Items(bool(first["number"]), tuple(spans_of(text) for text in texts)), at


def _table(lines: Sequence[str], at: int) -> Taken:
    end = at
    while end < len(lines) and lines[end].startswith("|"):
        end += 1
    header = _cells(lines[at])
    rows = tuple(_cells(line, len(header)) for line in lines[at + 2 : end])
    return Table(header, rows), end


def _cells(line: str, count: int | None = None) -> tuple[Spans, ...]:
    cells = [spans_of(text) for text in CELL_END.split(line.strip().strip("|"))]
    wanted = len(cells) if count is None else count
    return tuple([*cells, *[()] * wanted][:wanted])


def _paragraph(lines: Sequence[str], at: int) -> Taken:
    end = at + 1
    while end < len(lines) and lines[end].strip() and _reader(lines, end) is _paragraph:
        end += 1
    return Paragraph(spans_of("\n".join(lines[at:end]))), end
