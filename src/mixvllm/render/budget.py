"""The memory of one GPU, part by part."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from mixvllm.memory.budget import Band, Budget
from mixvllm.memory.gpu_table import Gpu
from mixvllm.render.units import size_text

BAR_CELLS = 20


def budget_table(gpu: Gpu, budget: Budget, *, is_measured: bool = False) -> Table:
    """What the most loaded GPU's memory goes to, each part with a bar of its share."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("memory of a GPU", no_wrap=True)
    known = "measured here" if is_measured else "best guess"
    table.add_column(known, justify="right", no_wrap=True)
    table.add_column("from - to", justify="right", no_wrap=True)
    table.add_column("share", no_wrap=True, overflow="crop")
    rows = [
        ("weights", Band(*[budget.weights_bytes] * 3)),
        ("activations", budget.activation),
        ("CUDA graphs", budget.cuda_graph),
        ("context and buffers", budget.other),
        ("KV cache", budget.kv_cache),
    ]
    if is_measured:
        # vLLM tells the two as one.
        rows[1:4] = [("activations and buffers", budget.activation), rows[2]]
    for name, band in rows:
        table.add_row(name, _size(band.best), _range(band), _bar(band.best, gpu.total_bytes))
    if budget.requested_bytes is not None:
        table.add_row("vLLM's share", size_text(budget.requested_bytes), "", "")
    table.add_row(gpu.name or "the GPU", size_text(gpu.total_bytes), "", "")
    return table


def _size(size_bytes: int) -> str:
    return f"-{size_text(-size_bytes)}" if size_bytes < 0 else size_text(size_bytes)


def _range(band: Band) -> str:
    return "" if band.low == band.high else f"{_size(band.low)} - {_size(band.high)}"


def _bar(size_bytes: int, total_bytes: int) -> Text:
    cells = round(BAR_CELLS * max(0, size_bytes) / total_bytes)
    return Text("\u2588" * min(cells, BAR_CELLS), style="cyan")
