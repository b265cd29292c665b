"""Pages whose paragraphs are filled again."""

from __future__ import annotations

from itertools import pairwise

import pytest

from mixvllm.lessons.flow import WIDEST, flowing
from mixvllm.lessons.library import lessons
from mixvllm.lessons.markdown import Paragraph, blocks_of, groups_of
from mixvllm.lessons.troubles import troubles

PAGES = [lesson.markdown for lesson in lessons()] + [each.markdown for each in troubles().values()]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_the_same_when_it_flows(page: str) -> None:
    assert blocks_of(flowing(page)) == blocks_of(page)
    assert flowing(flowing(page)) == flowing(page)


@pytest.mark.parametrize("page", PAGES)
def test_no_line_of_text_ends_early(page: str) -> None:
    groups = groups_of(flowing(page).splitlines())
    pairs = [
        pair for block, lines in groups if isinstance(block, Paragraph) for pair in pairwise(lines)
    ]

    assert all(len(line) + 1 + len(after.split()[0]) > WIDEST for line, after in pairs)


def test_paragraphs_items_and_quotes_are_filled_and_code_and_tables_are_left() -> None:
    code = "```text\na\nb\n```"
    table = "| a | b |\n| --- | --- |\n| 1\\|2 | 3 |"

    flowed = flowing(f"# A\n\none\ntwo\n\n- x\n  y\n- z\n\n> q\n> r\n>\n> s\n\n{code}\n\n{table}\n")

    assert flowed == f"# A\n\none two\n\n- x y\n- z\n\n> q r\n>\n> s\n\n{code}\n\n{table}\n"


def test_no_line_begins_with_what_would_make_a_list_of_it() -> None:
    text = "x" * (WIDEST - 2) + " 40 - 2 x 3"

    assert [line[:1] for line in flowing(text).splitlines()] == ["x", "4"]
    assert blocks_of(flowing(text)) == blocks_of(text)
