"""The growth of a request's cache as a chart in the terminal: blocks, or ASCII where it must be."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from mixvllm.memory.growth import Growth, GrowthPoint
from mixvllm.memory.kv.layer_cache import CacheKind
from mixvllm.render.theme import ERROR, MARK, MARK_FULL, MARK_HIGH, MARK_PLAIN, NAME
from mixvllm.render.units import size_text

WIDEST = 120
GUTTER = 11
MEMORY_ROWS, COUNT_ROWS = 9, 6
# A tick has room for its numbers in so many columns.
TICK = 12
# From the bottom up: what is constant, what is bounded, what grows.
STACK: tuple[CacheKind, ...] = (
    "recurrent_state",
    "cross_attention",
    "chunked_local",
    "sliding_window",
    "sparse_index",
    "latent_attention",
    "full_attention",
)
COLOURS: dict[CacheKind, str] = {
    "recurrent_state": MARK_PLAIN,
    "cross_attention": MARK_PLAIN,
    "chunked_local": MARK_HIGH,
    "sliding_window": MARK_HIGH,
    "sparse_index": MARK_HIGH,
    "latent_attention": MARK,
    "full_attention": MARK,
}
TOO_LONG = MARK_FULL


@dataclass(frozen=True)
class Signs:
    """The characters that a chart is drawn with.

    Attributes:
        levels: A cell filled from nothing to all.
        growing: A full cell of what grows with each token.
        bounded: One of what a window bounds.
        constant: One of what does not depend on the length.
        line: The pool.
        axis: The horizontal axis, a tick on it, and its corner.
        side: The vertical axis.
        asked: The length that is asked for.
    """

    levels: str
    growing: str
    bounded: str
    constant: str
    line: str
    axis: str
    tick: str
    corner: str
    side: str
    asked: str

    def of(self, kind: CacheKind) -> str:
        """A full cell of a kind."""
        if kind in ("recurrent_state", "cross_attention"):
            return self.constant
        return self.bounded if kind in ("sliding_window", "chunked_local") else self.growing


BLOCKS = Signs(" ▁▂▃▄▅▆▇█", "█", "▒", "░", "┄", "─", "┴", "└", "│", "▲")
ASCII = Signs("  ..::####", "#", "=", ".", "-", "-", "+", "+", "|", "^")


class GrowthChart:
    """A request's cache against its length, and below it how many of that length run at once."""

    def __init__(self, growth: Growth) -> None:
        self._growth = growth

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw as wide as there is room, at most `WIDEST`."""
        signs = ASCII if options.ascii_only else BLOCKS
        room = max(TICK, min(options.max_width, WIDEST) - GUTTER)
        ticks = max(1, room // TICK)
        ticks = 8 if ticks >= 8 else 4 if ticks >= 4 else ticks
        columns = room // ticks * ticks
        yield from _Drawing(self._growth, signs, columns, ticks).lines()


@dataclass(frozen=True)
class _Drawing:
    growth: Growth
    signs: Signs
    columns: int
    ticks: int

    @property
    def points(self) -> Sequence[GrowthPoint]:
        """The point of each column: the last of a tick's columns has its very length."""
        every = self.growth.points
        return [
            every[-(-(column + 1) * len(every) // self.columns) - 1]
            for column in range(self.columns)
        ]

    @property
    def marked(self) -> Sequence[GrowthPoint]:
        """The points of the ticks."""
        step = self.columns // self.ticks
        return [self.points[step * (tick + 1) - 1] for tick in range(self.ticks)]

    def lines(self) -> Iterator[Text]:
        yield self._legend()
        yield from self._memory()
        yield self._axis()
        if self.growth.pool_bytes is not None:
            yield Text()
            yield Text("how many of them run at once (logarithmic)", style=NAME)
            yield from self._counts()
            yield self._axis()
        yield from self._numbers()
        yield from self._caption()

    def _legend(self) -> Text:
        text = Text("KV cache of one request on a GPU  ", style=NAME)
        for kind in reversed(self._kinds()):
            text.append(f" {self.signs.of(kind)} ", style=COLOURS[kind])
            text.append(kind.replace("_", " "), style="not bold")
        return text

    def _kinds(self) -> list[CacheKind]:
        return [kind for kind in STACK if any(p.bytes_per_kind.get(kind) for p in self.points)]

    def _memory(self) -> Iterator[Text]:
        top = max(point.size_bytes for point in self.points)
        pool = self.growth.pool_bytes
        limit = None if not pool or pool >= top else int(pool / top * MEMORY_ROWS)
        for row in reversed(range(MEMORY_ROWS)):
            label = {MEMORY_ROWS - 1: size_text(top), MEMORY_ROWS // 2: size_text(top // 2)}
            line = self._start(label.get(row, ""))
            name = f" the pool: {size_text(pool)} " if row == limit else ""
            for column, point in enumerate(self.points):
                sign, style = self._memory_cell(point, row, top)
                if row == limit and sign == " ":
                    is_named = 2 <= column < 2 + len(name)
                    sign, style = self.signs.line, TOO_LONG
                    if is_named:
                        sign, style = name[column - 2], NAME
                line.append(sign, style=style)
            yield line

    def _memory_cell(self, point: GrowthPoint, row: int, top: int) -> tuple[str, str]:
        """What a cell shows: the kind at its middle, or how far the last one reaches into it."""
        filled = point.size_bytes / top * MEMORY_ROWS
        if filled <= row:
            return " ", ""
        below = 0.0
        kind: CacheKind = STACK[0]
        for kind in self._kinds():
            below += point.bytes_per_kind.get(kind, 0) / top * MEMORY_ROWS
            if below > row + 0.5:
                break
        style = TOO_LONG if point.fits is False else COLOURS[kind]
        sign = self.signs.of(kind)
        share = min(1.0, filled - row)
        if sign == self.signs.growing:
            return self._level(share), style
        return (sign if share >= 0.5 else " "), style

    def _level(self, share: float) -> str:
        return self.signs.levels[round(share * (len(self.signs.levels) - 1))]

    def _counts(self) -> Iterator[Text]:
        most = max(point.max_concurrency or 0 for point in self.points)
        decades = max(1, math.ceil(math.log10(max(most, 1.0))))
        rows = max(COUNT_ROWS, decades) // decades * decades
        for row in reversed(range(rows)):
            is_decade = (row + 1) * decades % rows == 0
            line = self._start(f"{10 ** ((row + 1) * decades // rows):,}" if is_decade else "")
            for point in self.points:
                count = max(point.max_concurrency or 0.0, 1.0)
                share = math.log10(count) / decades * rows - row
                line.append(self._level(min(1.0, max(0.0, share))), style=MARK)
            yield line

    def _start(self, label: str) -> Text:
        return Text.assemble(f"{label:>{GUTTER - 2}} ", (self.signs.side, MARK))

    def _axis(self) -> Text:
        step = self.columns // self.ticks
        line = [self.signs.axis] * self.columns
        for tick in range(self.ticks):
            line[step * (tick + 1) - 1] = self.signs.tick
        longest = self.growth.points[-1].tokens
        asked = -(-self.growth.asked_tokens * self.columns // longest) - 1
        axis = Text(" " * (GUTTER - 1) + self.signs.corner, style=MARK)
        for column, sign in enumerate(line):
            is_asked = column == asked
            axis.append(self.signs.asked if is_asked else sign, style=NAME if is_asked else MARK)
        return axis

    def _numbers(self) -> Iterator[Text]:
        step = self.columns // self.ticks
        rows = {
            "tokens": [f"{point.tokens:,}" for point in self.marked],
            "a request": [size_text(point.size_bytes) for point in self.marked],
        }
        if self.growth.pool_bytes is not None:
            rows["at once"] = [f"{point.max_concurrency or 0:.1f}" for point in self.marked]
        for name, cells in rows.items():
            line = Text(f"{name:<{GUTTER}}")
            for point, cell in zip(self.marked, cells, strict=True):
                style = ERROR if point.fits is False else ""
                line.append(f"{cell:>{step}}", style=style)
            yield line

    def _caption(self) -> Iterator[Text]:
        asked = f"{self.signs.asked} {self.growth.asked_tokens:,} tokens are asked for"
        longest = self.growth.longest_that_fits
        if longest is None:
            yield Text(f"{asked}.")
        elif longest:
            yield Text(f"{asked}; up to {longest:,} fit.")
        else:
            yield Text(f"{asked}; no length fits.")
