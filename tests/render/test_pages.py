"""Lessons, and lists of them, in terminals of every width."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

from mixvllm.lessons.library import lessons
from mixvllm.lessons.markdown import Table
from mixvllm.lessons.spans import plain_text
from mixvllm.lessons.troubles import troubles
from mixvllm.render.pages import page_view, read_on
from mixvllm.render.topics import topics_view, troubles_view


def drawn(view: RenderableType, width: int) -> list[str]:
    screen = io.StringIO()
    Console(file=screen, width=width, highlight=False, emoji=False).print(view)
    return screen.getvalue().splitlines()


@pytest.mark.parametrize("width", [40, 80, 140])
def test_no_line_of_any_lesson_is_longer_than_the_terminal(width: int) -> None:
    for lesson in lessons():
        for line in (*drawn(page_view(lesson.markdown), width), *drawn(read_on(lesson), width)):
            assert cell_len(line) <= width, lesson.topic
            assert "<!--" not in line


@pytest.mark.parametrize("width", [40, 80, 140])
def test_no_word_is_lost_in_narrow_terminals(width: int) -> None:
    for lesson in lessons():
        shown = "".join("".join(drawn(page_view(lesson.markdown), width)).split())
        for row in ("Sources", *lesson.title.split()):
            assert row.strip("`") in shown


def test_text_is_no_wider_than_can_be_read() -> None:
    assert max(map(cell_len, drawn(page_view("word " * 100), 140))) <= 100


def test_a_table_that_does_not_fit_becomes_paragraphs() -> None:
    page = "| model | weights in memory |\n|---|---|\n| Llama | 14.96 GiB |\n"
    assert [line.rstrip() for line in drawn(page_view(page), 40)] == [
        "model  weights in memory",
        "Llama  14.96 GiB",
    ]
    narrow = [line.rstrip() for line in drawn(page_view(page), 12)]
    assert narrow[0] == "Llama"
    assert narrow[1].startswith("  weights")


def test_no_word_of_a_table_is_cut_in_two() -> None:
    for lesson in lessons():
        for width in (40, 80, 140):
            shown = " ".join(drawn(page_view(lesson.markdown), width))
            assert "…" not in shown
            for block in lesson.blocks:
                if isinstance(block, Table):
                    cells = [plain_text(cell) for row in block.rows for cell in row]
                    words = {word for cell in cells for word in cell.split() if len(word) < 30}
                    assert words <= set(shown.split()), (lesson.topic, width)


def test_every_line_of_a_quote_has_its_bar() -> None:
    assert drawn(page_view("> one two\n> three\n"), 9) == ["| one two", "| three"]


def test_a_link_to_the_web_shows_its_address_and_one_to_a_page_does_not() -> None:
    (line,) = drawn(page_view("[a](https://b.example) [c](d.md)\n"), 80)
    assert line.strip() == "a <https://b.example> c"


def test_the_list_has_a_line_for_each_topic_at_80_columns() -> None:
    lines = drawn(topics_view(lessons()), 80)
    for lesson in lessons():
        assert any(lesson.topic in line and lesson.summary in line for line in lines)


@pytest.mark.parametrize("width", [40, 80, 140])
def test_error_codes_and_their_sections_fit(width: int) -> None:
    for view in (troubles_view(list(troubles().values())), *map(page_view, sections())):
        assert all(cell_len(line) <= width for line in drawn(view, width))


def sections() -> list[str]:
    return [trouble.markdown for trouble in troubles().values()]
