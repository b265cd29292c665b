"""The processes on the GPUs."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from mixvllm.gpus.device import Gpu, GpuProcess
from mixvllm.render.theme import ERROR, NAME
from mixvllm.render.units import size_text

KINDS = {"mixvllm": "mixvllm", "vllm": "vLLM", "orphan": "orphan", "other": "", None: "-"}
STYLES = {"mixvllm": NAME, "vllm": NAME, "orphan": ERROR}
NOT_VISIBLE = "not visible from here"


def process_table(gpus: Sequence[Gpu]) -> Table:
    """A row for each process on each GPU, those that hold most first."""
    table = Table(box=None, pad_edge=False, header_style=NAME, padding=(0, 2, 0, 0))
    table.add_column("GPU", no_wrap=True)
    table.add_column("PID", justify="right", no_wrap=True)
    table.add_column("user", max_width=12)
    table.add_column("memory", justify="right", no_wrap=True)
    table.add_column("whose", no_wrap=True)
    table.add_column("command")  # gives way first: its texts do not wrap either, but are cut
    for gpu in gpus:
        for process in sorted(gpu.processes, key=lambda each: -(each.memory_bytes or 0)):
            table.add_row(
                str(gpu.index),
                str(process.pid),
                one_line(process.user or "-"),
                size_text(process.memory_bytes),
                Text(KINDS[process.kind], style=STYLES.get(process.kind or "", "")),
                _command(process),
            )
    return table


def _command(process: GpuProcess) -> Text:
    if process.name is None:
        return one_line(NOT_VISIBLE)
    return one_line(process.command or process.name)


def one_line(text: str, *, style: str = "") -> Text:
    """Text that is cut where there is no room for it."""
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")
