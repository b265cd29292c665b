"""A table that goes without columns."""

from __future__ import annotations

import io

from rich.console import Console
from rich.text import Text

from mixvllm.render.budget import Share
from mixvllm.render.fitting_table import FittingTable

TABLE = FittingTable(
    heads=("flag", "tokens", "at once"),
    rows=[[Text("--a-flag 16"), Text("1,059,328"), Text("25.86")]],
    left=("flag",),
    dropped_first=("at once", "tokens"),
)


def drawn(width: int, table: FittingTable = TABLE) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_all_columns_are_there_as_long_as_there_is_room() -> None:
    assert drawn(31) == ["flag            tokens  at once", "--a-flag 16  1,059,328    25.86"]


def test_one_column_less_is_told_and_nothing_is_cut() -> None:
    head, row, *told = drawn(30)

    assert (head, row) == ("flag            tokens", "--a-flag 16  1,059,328")
    assert " ".join(told) == "A wider terminal shows more: at once."


def test_the_last_column_to_go_leaves_what_tells_rows_apart() -> None:
    head, row, *told = drawn(20)

    assert (head, row) == ("flag", "--a-flag 16")
    assert " ".join(told) == "A wider terminal shows more: tokens, at once."


def test_a_drawing_gets_smaller_before_its_column_goes() -> None:
    bar = Share(0, 1, 1, "default")
    table = FittingTable(
        ("part", "share"), [[Text("all of it"), bar]], ("part", "share"), ("share",)
    )

    assert drawn(40, table)[1] == "all of it  " + "\u2588" * 20
    assert drawn(19, table)[1] == "all of it  " + "\u2588" * 8
    assert drawn(18, table)[1] == "all of it"
