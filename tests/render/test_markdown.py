from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from mixvllm.render.markdown import Markdown, blocks, whole_length

PAGE = """\
# Title

A paragraph
of two lines.

- one
- two

  still two
1. first

2. second

```python
if True:

    print("- no item")
```

| a | b |
|---|---|
| 1 | 2 |

> said

    code

the end"""


def drawn(text: str, width: int = 60) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(Markdown(text))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().split("\n")[:-1]


def test_a_page_is_divided_into_its_blocks() -> None:
    beginnings = [block.split("\n")[0] for block in blocks(PAGE)]
    assert beginnings == [
        "# Title",
        "A paragraph",
        "- one",
        "1. first",
        "```python",
        "| a | b |",
        "> said",
        "    code",
        "the end",
    ]


# Pieces that mean one thing or another by what follows them.
PIECES = [
    "a",
    "b ",
    "\n",
    "\n\n",
    "- ",
    "1. ",
    "2",
    ". ",
    "```",
    "    ",
    "> ",
    "|",
    "---",
    "===",
    "#",
]


def looks(text: str) -> list[str]:
    return [block.rstrip() for block in blocks(text)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=24))
def test_what_is_whole_stays_as_it_is_whatever_follows(pieces: list[str]) -> None:
    text, printed, rest = "".join(pieces), list[str](), ""
    for piece in pieces:
        rest += piece
        length = whole_length(rest)
        printed += looks(rest[:length])
        rest = rest[length:]
    assert [*printed, *looks(rest)] == looks(text)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("one", ""),
        ("one\n", ""),
        ("one\n\n", ""),
        ("one\n\ntw", ""),
        ("one\n\ntwo\n", "one\n\n"),
        ("- a\n- b\n\nend\n", "- a\n- b\n\n"),
        ("1. a\n\n2", ""),
        ("```\n\n\n", ""),
        ("```\nx\n```\nend\n", "```\nx\n```\n"),
    ],
)
def test_the_last_block_and_a_line_without_its_end_are_not_whole(text: str, whole: str) -> None:
    assert text[: whole_length(text)] == whole


def test_nothing_of_the_text_is_lost() -> None:
    shown = "\n".join(drawn("Use List<int> and <think>\nso\n</think> & `a<b>`"))
    assert shown == "Use List<int> and <think>\nso\n</think> & a<b>"
    assert drawn("[1]: http://here") == ["[1]: http://here"]


def test_a_list_keeps_its_numbers_and_its_depth() -> None:
    assert drawn("9. nine\n10. ten\n    - deep") == [" 9. nine", "10. ten", "     • deep"]


def test_code_can_be_copied_as_it_is() -> None:
    assert drawn("```python\nif x:\n    y = [1]\n```") == [
        "```python",
        "if x:",
        "    y = [1]",
        "```",
    ]


def test_lines_end_where_their_text_ends() -> None:
    for line in drawn(PAGE):
        assert line == line.rstrip()


def test_control_characters_are_shown_and_never_obeyed() -> None:
    shown = "\n".join(drawn("a &#x202e;b `\x1b[2J`"))
    assert "\x1b" not in shown
    assert "\u202e" not in shown
