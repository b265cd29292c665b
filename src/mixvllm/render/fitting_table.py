"""A table that goes without columns in a narrow terminal, rather than cut what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

GAP = 2


@dataclass(frozen=True)
class FittingTable:
    """A table of short texts.

    Attributes:
        heads: The names of the columns.
        rows: The cells of each row.
        left: The columns that are no numbers.
        dropped_first: What a narrow terminal goes without, the first to go first.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[Text]]
    left: Sequence[str]
    dropped_first: Sequence[str]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """As many columns as there is room for."""
        columns = dict(zip(self.heads, zip(*self.rows, strict=True), strict=True))
        left_out: list[str] = []
        for name in self.dropped_first:
            if _needed_width(columns) <= options.max_width:
                break
            del columns[name]
            left_out.append(name)
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, GAP, 0, 0))
        for name in columns:
            table.add_column(name, justify="left" if name in self.left else "right")
        for cells in zip(*columns.values(), strict=True):
            table.add_row(*cells)
        yield table
        if left_out:
            names = ", ".join(reversed(left_out))
            yield Text(f"A wider terminal shows more: {names}.", style="dim")


def _needed_width(columns: dict[str, tuple[Text, ...]]) -> int:
    widths = [max(len(name), *(cell.cell_len for cell in cells)) for name, cells in columns.items()]
    return sum(widths) + GAP * (len(widths) - 1)
