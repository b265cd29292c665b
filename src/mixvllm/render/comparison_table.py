"""A table that finds the form for its width: names as headings, then fewer columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from mixvllm.render.theme import NAME

# What a narrow terminal goes without, the first to go first.
DROPPED_FIRST = ("KV/request", "KV cache", "length", "KV/token", "weights", "longest")
GAP = "  "


@dataclass(frozen=True)
class ComparisonTable:
    """A row for each variant.

    Where the names of models leave no room they become headings; where that is not enough,
    columns are left out, and the last line says which.

    Attributes:
        labels: What tells the rows apart beside the model.
        models: The model of each row; empty where it is the same.
        verdicts: The column of verdicts by its name; empty where there is none.
        figures: The columns of numbers by their names.
    """

    labels: Mapping[str, Sequence[str]]
    models: Sequence[str]
    verdicts: Mapping[str, Sequence[Text]]
    figures: Mapping[str, Sequence[str]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The widest form that there is room for."""
        left_out: Sequence[str] = ()
        lines = list(self._lines(left_out, with_headings=False))
        for count in range(len(DROPPED_FIRST) + 1):
            if max(map(len, lines)) <= options.max_width:
                break
            left_out = [name for name in DROPPED_FIRST[:count] if name in self.figures]
            lines = list(self._lines(left_out, with_headings=bool(self.models)))
        yield from lines
        if left_out:
            names = ", ".join(reversed(left_out))
            yield Text(f"A wider terminal shows more: {names}.")

    def _lines(self, left_out: Sequence[str], *, with_headings: bool) -> Iterator[Text]:
        columns = self._columns(left_out, with_headings=with_headings)
        widths = {n: max(len(n), *map(len, cells)) for n, cells in columns.items()}
        yield self._line({name: Text(name, style=NAME) for name in columns}, widths)
        for row in range(len(next(iter(columns.values())))):
            is_new = not row or self.models[row - 1 : row] != self.models[row : row + 1]
            if with_headings and is_new:
                yield Text(self.models[row], style=NAME)
            yield self._line({name: cells[row] for name, cells in columns.items()}, widths)

    def _columns(
        self, left_out: Sequence[str], *, with_headings: bool
    ) -> dict[str, Sequence[Text]]:
        model = {"model": self.models} if self.models and not with_headings else {}
        plain = {**model, **self.labels}
        figures = {name: cells for name, cells in self.figures.items() if name not in left_out}
        return {
            **{name: [Text(cell) for cell in cells] for name, cells in plain.items()},
            **self.verdicts,
            **{name: [Text(cell) for cell in cells] for name, cells in figures.items()},
        }

    def _line(self, cells: Mapping[str, Text], widths: Mapping[str, int]) -> Text:
        line = Text(no_wrap=True, overflow="ellipsis")
        for index, (name, cell) in enumerate(cells.items()):
            room = " " * (widths[name] - len(cell))
            line.append(GAP if index else "")
            line.append_text(Text(room) + cell if name in self.figures else cell + Text(room))
        line.rstrip()
        return line
