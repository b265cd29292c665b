"""A table that goes without columns in a narrow terminal, rather than cut what they hold."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, JustifyMethod, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from mixvllm.render.theme import NAME

GAP = 2


@dataclass(frozen=True)
class FittingTable:
    """A table of short texts, and of drawings that can be smaller.

    Attributes:
        heads: The names of the columns.
        rows: The cells of each row.
        left: The columns that are no numbers.
        dropped_first: What a narrow terminal goes without, the first to go first.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[RenderableType]]
    left: Sequence[str]
    dropped_first: Sequence[str]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """As many columns as there is room for."""
        left_out = columns_left_out(
            self.heads,
            self.dropped_first,
            lambda kept: _needed_width(self._columns(kept), console, options),
            options.max_width,
        )
        columns = self._columns([name for name in self.heads if name not in left_out])
        table = Table(box=None, pad_edge=False, header_style=NAME, padding=(0, GAP, 0, 0))
        is_drawn = {name: not all(map(_is_text, cells)) for name, cells in columns.items()}
        for name in columns:
            # Where there is a drawing, that gets smaller before a text is broken.
            keeps_width = any(is_drawn.values()) and not is_drawn[name]
            justify: JustifyMethod = "left" if name in self.left else "right"
            table.add_column(name, justify=justify, no_wrap=keeps_width)
        for row in zip(*columns.values(), strict=True):
            table.add_row(*row)
        yield table
        if left_out:
            yield what_is_left_out(left_out)

    def needed_width(self, console: Console, options: ConsoleOptions) -> int:
        """How many cells of the terminal all columns need."""
        return _needed_width(self._columns(self.heads), console, options)

    def _columns(self, names: Collection[str]) -> dict[str, tuple[RenderableType, ...]]:
        cells = dict(zip(self.heads, zip(*self.rows, strict=True), strict=True))
        return {name: cells[name] for name in names}


def columns_left_out(
    names: Sequence[str],
    dropped_first: Sequence[str],
    needed_width: Callable[[Collection[str]], int],
    room: int,
) -> list[str]:
    """The columns that a table goes without, until the others have room.

    Args:
        names: All of them.
        dropped_first: Those that may go, the first to go first; who is no column is passed over.
        needed_width: How many cells of the terminal some columns need.
        room: How many there are.
    """
    left_out: list[str] = []
    for name in dropped_first:
        if needed_width([each for each in names if each not in left_out]) <= room:
            break
        if name in names:
            left_out.append(name)
    return left_out


def what_is_left_out(names: Sequence[str]) -> Text:
    """The line below a table that goes without columns."""
    return Text(f"A wider terminal shows more: {', '.join(reversed(names))}.")


def _needed_width(
    columns: dict[str, tuple[RenderableType, ...]], console: Console, options: ConsoleOptions
) -> int:
    widths = [
        max(len(name), *(_width(cell, console, options) for cell in cells))
        for name, cells in columns.items()
    ]
    return sum(widths) + GAP * (len(widths) - 1)


def _width(cell: RenderableType, console: Console, options: ConsoleOptions) -> int:
    """All of a text, and the least of a drawing."""
    if isinstance(cell, Text):
        return cell.cell_len
    return Measurement.get(console, options, cell).minimum


def _is_text(cell: RenderableType) -> bool:
    return isinstance(cell, Text)
