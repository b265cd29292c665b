"""Our reading of the Markdown that we write, held against a parser of all of Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pytest
from markdown_it import MarkdownIt

from mixvllm.lessons.lesson import Lesson
from mixvllm.lessons.library import lessons
from mixvllm.lessons.markdown import (
    Block,
    Code,
    Heading,
    Items,
    Paragraph,
    Quote,
    Table,
    blocks_of,
)
from mixvllm.lessons.spans import plain_text, spans_of

OTHER_READING = MarkdownIt("commonmark").enable("table")


def words(text: str) -> str:
    return " ".join(text.split())


def read_by_us(blocks: Sequence[Block]) -> Iterator[tuple[str, str]]:
    """Each piece of text with the kind of block that it is in."""
    for block in blocks:
        match block:
            case Heading():
                yield f"h{block.level}", plain_text(block.spans)
            case Paragraph():
                yield "p", plain_text(block.spans)
            case Items():
                yield from (("li", plain_text(item)) for item in block.items)
            case Table():
                yield from (
                    ("cell", plain_text(c)) for row in (block.header, *block.rows) for c in row
                )
            case Code():
                yield "code", words(block.text)
            case Quote():
                yield from read_by_us(block.blocks)


def read_by_the_other(markdown: str) -> Iterator[tuple[str, str]]:
    """The same as another parser has it."""
    kinds: list[str] = []
    for token in OTHER_READING.parse(markdown):
        if token.nesting == 1:
            kinds.append("cell" if token.tag in ("th", "td") else token.tag)
        elif token.nesting == -1:
            kinds.pop()
        elif token.type == "fence":
            yield "code", words(token.content)
        elif token.type == "inline":
            children = token.children or []
            text = "".join("\n" if c.type == "softbreak" else c.content for c in children)
            kind = kinds[-2] if kinds[-1] == "p" and kinds[-2:-1] == ["li"] else kinds[-1]
            yield kind, words(text)


@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.topic)
def test_a_lesson_is_read_as_another_parser_reads_it(lesson: Lesson) -> None:
    assert list(read_by_us(lesson.blocks)) == list(read_by_the_other(lesson.markdown))


def test_lines_of_a_paragraph_an_item_and_a_quote_are_joined() -> None:
    found = blocks_of("one\ntwo\n\n- a\n  b\n- c\n\n> d\n> e\n")
    assert list(read_by_us(found)) == [("p", "one two"), ("li", "a b"), ("li", "c"), ("p", "d e")]


def test_a_row_that_is_too_short_is_filled_up() -> None:
    (table,) = blocks_of("| a | b |\n|---|---|\n| 1 |\n")
    assert isinstance(table, Table)
    assert [plain_text(cell) for cell in table.rows[0]] == ["1", ""]


def test_code_may_hold_what_looks_like_another_block() -> None:
    assert blocks_of("```text\n# no heading\n\n- no list\n```\n") == (
        Code("text", "# no heading\n\n- no list"),
    )


def test_an_unclosed_fence_ends_with_the_page() -> None:
    assert blocks_of("```\nopen") == (Code("", "open"),)


def test_spans_know_code_emphasis_links_and_addresses() -> None:
    spans = spans_of("a `b` **c `d`** *e* [f](g.md) <https://h.example> \\*")
    assert [(s.text, s.look, s.target) for s in spans] == [
        ("a ", "plain", None),
        ("b", "code", None),
        (" ", "plain", None),
        ("c ", "bold", None),
        ("d", "code", None),
        (" ", "plain", None),
        ("e", "italic", None),
        (" ", "plain", None),
        ("f", "plain", "g.md"),
        (" ", "plain", None),
        ("https://h.example", "plain", "https://h.example"),
        (" ", "plain", None),
        ("*", "plain", None),
    ]


def test_no_lesson_uses_what_we_do_not_read() -> None:
    for lesson in lessons():
        outside_code = re.sub(r"```.*?```", "", lesson.markdown, flags=re.DOTALL)
        assert not re.search(
            r"^(?: {2,}[-*] |\s*!!! |={3,}|\t)|!\[|<(?!https?:)[a-z]", outside_code, re.M
        )
