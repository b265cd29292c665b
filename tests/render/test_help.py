"""The help of a command, drawn."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from mixvllm.render.help import HelpPage, HelpRow, render_help

ROWS = (
    HelpRow("--config, -c", "The file to read.", "FILE"),
    HelpRow("--a-flag-with-a-long-name", "What it does is told in many a word.", "CHOICE"),
)
PAGE = HelpPage(
    usage="mixvllm do [OPTIONS]",
    text="Do it.\n\nWhat the source\nbreaks is one paragraph.",
    panels=(("Options", ROWS), ("Empty", ())),
    epilog="Example: mixvllm do",
)


def drawn(width: int) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(render_help(PAGE))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_paragraph_is_wrapped_by_the_terminal_and_not_by_the_source() -> None:
    assert " What the source breaks is one paragraph." in drawn(80)


def test_a_name_stands_with_its_value_before_what_it_does() -> None:
    assert "│ --config, -c FILE  The file to read." in drawn(60)


@pytest.mark.parametrize("width", [40, 60, 80, 140])
def test_no_name_is_cut_whatever_the_width(width: int) -> None:
    assert "--a-flag-with-a-long-name CHOICE" in drawn(width)
    assert "…" not in drawn(width)


def test_a_panel_without_rows_is_left_out() -> None:
    assert "Empty" not in drawn(80)


def test_in_a_narrow_terminal_every_explanation_stands_below_its_name() -> None:
    lines = [line.strip("│ ") for line in drawn(40).splitlines()]

    assert lines[lines.index("--config, -c FILE") + 1] == "The file to read."
