"""The table of `estimate-kv --solve`: in a narrow terminal fewer columns, and no cut flags."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from mixvllm.memory.solution import Option, Solution
from mixvllm.memory.unknowns import Unknown
from mixvllm.render.fitting_table import GAP, columns_left_out, what_is_left_out
from mixvllm.render.theme import GOOD, NAME
from mixvllm.render.units import parameters_text, size_text

UNKNOWN = "-"
HEADS: dict[Unknown, str] = {
    "max-model-len": "requests at once",
    "concurrency": "with",
    "gpus": "GPUs",
    "gpu": "GPU",
    "quantization": "weights in",
    "model": "model",
}
# What a narrow terminal goes without, the first to go first.
DROPPED_FIRST = ("weights a GPU", "KV cache", "parameters", "tokens", "context", "memory")
# As much of a remark stays on one line: `does not fit`.
REMARK_WIDTH = 12
Column = tuple[str, Callable[[Option], str]]


@dataclass(frozen=True)
class SolutionTable:
    """What was tried: a row for each option.

    Attributes:
        solution: What was found.
        shown: The options that have a row.
    """

    solution: Solution
    shown: Sequence[Option]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """As many columns as there is room for, beside what tells the options apart."""
        known = dict(_columns(self.solution))
        left_out = columns_left_out(
            list(known),
            DROPPED_FIRST,
            lambda kept: self._needed_width([(name, known[name]) for name in kept]),
            options.max_width,
        )
        columns = [column for column in known.items() if column[0] not in left_out]
        may_break = self._needed_width(columns) > options.max_width
        yield self._table(columns, may_break=may_break)
        if left_out:
            yield what_is_left_out(left_out)

    @property
    def _remarks(self) -> list[str]:
        return [_remark(self.solution, option) for option in self.shown]

    @property
    def _remark_width(self) -> int:
        """The room that remarks need: words are not cut, short remarks not broken."""
        remarks = self._remarks
        words = [word for remark in remarks for word in remark.split()]
        return max(*map(len, ["", *words]), min(REMARK_WIDTH, max(map(len, ["", *remarks]))))

    def _needed_width(self, columns: Sequence[Column]) -> int:
        options = [HEADS[self.solution.unknown], *(option.value for option in self.shown)]
        cells = [[name, *(read(option) for option in self.shown)] for name, read in columns]
        widths = [max(map(len, column)) + GAP for column in [options, *cells]]
        return sum(widths) + self._remark_width

    def _table(self, columns: Sequence[Column], *, may_break: bool) -> Table:
        """The table; words are broken where even the fewest columns have no room."""
        solution = self.solution
        table = Table(box=None, pad_edge=False, header_style=NAME, padding=(0, GAP, 0, 0))
        is_number = solution.unknown in ("max-model-len", "gpus")
        justify: Literal["right", "left"] = "right" if is_number else "left"
        head = HEADS[solution.unknown]
        table.add_column(head, justify=justify, no_wrap=not may_break, overflow="fold")
        for name, _ in columns:
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("", overflow="fold", min_width=0 if may_break else self._remark_width)
        for option, remark in zip(self.shown, self._remarks, strict=True):
            style = GOOD if option is solution.answer else ""
            cells = [read(option) for _, read in columns]
            table.add_row(Text(option.value), *cells, Text(remark), style=style)
        return table


def _columns(solution: Solution) -> Iterator[Column]:
    unknown = solution.unknown
    if unknown == "model":
        yield "parameters", lambda option: parameters_text(option.parameters)
    if unknown == "gpu":
        yield "memory", lambda option: size_text(option.gpu_bytes)
    if unknown in ("max-model-len", "model"):
        yield "context", lambda option: _number(option.max_model_len)
    if unknown != "max-model-len":
        yield "at once", lambda option: _number(option.at_once)
    if unknown == "model":
        return
    yield "tokens", lambda option: _number(option.tokens if option.at_once else None)
    yield "KV cache", lambda option: size_text(option.pool_bytes or None)
    yield "weights a GPU", lambda option: size_text(option.weights_bytes_per_gpu)


def _number(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value:,}"


def _remark(solution: Solution, option: Option) -> str:
    if option.refusal is not None:
        return option.refusal
    if not option.fits:
        return "does not fit" if not option.at_once else "too few"
    flags = option.flags if solution.unknown in ("concurrency", "model") else option.flags[1:]
    extra = " ".join(flag for flag in flags if flag != option.value)
    return "; ".join(part for part in (extra, option.needs and f"needs {option.needs}") if part)
