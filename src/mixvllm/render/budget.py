"""The memory of one GPU, part by part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.text import Text

from mixvllm.memory.budget import Band, Budget
from mixvllm.memory.gpu_table import Gpu
from mixvllm.render.fitting_table import FittingTable
from mixvllm.render.theme import ERROR, MARK, MARK_PLAIN
from mixvllm.render.units import size_text

BAR_CELLS, FEWEST_CELLS = 20, 8
MORE = ("from - to", "share")
NOT_FOR_VLLM = "not for vLLM"
COLOURS = {
    "weights": MARK_PLAIN,
    "activations": MARK_PLAIN,
    "activations and buffers": MARK_PLAIN,
    "CUDA graphs": MARK_PLAIN,
    "other buffers": MARK_PLAIN,
    "KV cache": MARK,
    NOT_FOR_VLLM: MARK_PLAIN,
}


@dataclass(frozen=True)
class Share:
    """Where a part lies on a bar of the whole GPU: each begins where the one above ends."""

    start_bytes: int
    end_bytes: int
    total_bytes: int
    style: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """At least one cell for what is there at all; `#` where the output has ASCII alone."""
        cell = "#" if options.ascii_only else "\u2588"
        width = min(BAR_CELLS, options.max_width)
        start, end = (
            round(width * min(size, self.total_bytes) / self.total_bytes)
            for size in (self.start_bytes, self.end_bytes)
        )
        is_there = self.start_bytes < min(self.end_bytes, self.total_bytes)
        start = min(start, width - 1)
        length = max(end - start, 1) if is_there else 0
        yield Text(" " * start + cell * length, style=self.style, no_wrap=True, overflow="crop")

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """As wide as the whole bar, where there is room; a shorter one tells nothing."""
        return Measurement(FEWEST_CELLS, BAR_CELLS).with_maximum(options.max_width)


def budget_table(gpu: Gpu, budget: Budget, *, is_measured: bool = False) -> FittingTable:
    """What the most loaded GPU's memory goes to, each part with its place on a bar of the GPU."""
    heads = ("memory of a GPU", "measured here" if is_measured else "best guess", *MORE)
    rows: list[list[RenderableType]] = []
    taken = 0
    for name, band in _parts(gpu, budget, is_measured=is_measured):
        start = gpu.total_bytes - band.best if name == NOT_FOR_VLLM else taken
        end = start + max(0, band.best)
        if band.best < 0:
            lacking = (f"{name} lacks", *_figures(_negated(band)), "")
            rows.append([Text(each, style=ERROR) for each in lacking])
        else:
            share = Share(start, end, gpu.total_bytes, COLOURS[name])
            rows.append([*map(Text, (name, *_figures(band))), share])
        taken = end
    whole = (gpu.name or "the GPU", size_text(gpu.total_bytes), "", "")
    rows.append([Text(each) for each in whole])
    return FittingTable(heads, rows, left=(heads[0], "share"), dropped_first=MORE[::-1])


def _parts(gpu: Gpu, budget: Budget, *, is_measured: bool) -> Iterator[tuple[str, Band]]:
    yield "weights", Band(*[budget.weights_bytes] * 3)
    # vLLM tells activations and buffers as one.
    yield "activations and buffers" if is_measured else "activations", budget.activation
    if budget.cuda_graph.high:
        yield "CUDA graphs", budget.cuda_graph
    if not is_measured:
        yield "other buffers", budget.other
    yield "KV cache", budget.kv_cache
    if budget.requested_bytes is not None:
        yield NOT_FOR_VLLM, Band(*[gpu.total_bytes - budget.requested_bytes] * 3)


def _negated(band: Band) -> Band:
    return Band(-band.high, -band.best, -band.low)


def _figures(band: Band) -> tuple[str, str]:
    between = f"{_size(band.low)} - {_size(band.high)}" if band.low != band.high else ""
    return _size(band.best), between


def _size(size_bytes: int) -> str:
    return f"-{size_text(-size_bytes)}" if size_bytes < 0 else size_text(size_bytes)
