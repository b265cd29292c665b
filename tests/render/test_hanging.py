"""Text whose lines stay indented."""

from __future__ import annotations

import io

from rich.console import Console
from rich.text import Text

from mixvllm.render.hanging import Hanging

LINES = "wrong: this and that\n\n  set this one to at least 5"


def drawn(*, soft_wrap: bool) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=14).print(Hanging(Text(LINES)), soft_wrap=soft_wrap)
    return file.getvalue().splitlines()


def test_what_is_broken_off_a_line_is_indented_as_that_line_is() -> None:
    assert drawn(soft_wrap=False) == [
        "wrong: this",
        "and that",
        "",
        "  set this one",
        "  to at least",
        "  5",
    ]


def test_in_a_pipe_a_line_stays_one() -> None:
    assert drawn(soft_wrap=True) == LINES.splitlines()
