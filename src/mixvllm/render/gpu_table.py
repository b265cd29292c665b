"""A row for each GPU and each slice."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import compress

from rich.console import JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from mixvllm.gpus.device import Gpu, Inventory, MigSlice
from mixvllm.gpus.formats import number_formats
from mixvllm.render.gpu_processes import one_line
from mixvllm.render.theme import ERROR, MARK, MARK_FULL, MARK_HIGH, NAME
from mixvllm.sizes import GIB

WIDE = 110
# Below these widths the table goes without columns, and then without bars.
LEFT_OUT = ((72, ("compute", "power")), (60, ("temp",)))
WITHOUT_BARS = 54
FULL, HIGH = 90, 75
DASH = "-"
NUMBERS = ("use", "temp", "power")
COLUMNS = ("name", "memory", *NUMBERS, "compute")


def gpu_table(inventory: Inventory, *, width: int, is_ascii: bool) -> Table:
    """A row for each GPU and each slice."""
    is_wide, shows_cuda = width >= WIDE, inventory.visible_devices is not None
    table = Table(
        box=None, pad_edge=False, header_style=NAME, padding=(0, 2, 0, 0), collapse_padding=True
    )
    left_out = left_out_at(width)
    kept = [name not in left_out for name in COLUMNS]
    table.add_column("GPU", no_wrap=True)
    if shows_cuda:
        table.add_column("CUDA", no_wrap=True)
    for name in compress(COLUMNS, kept):
        # The name gives way first: its texts do not wrap either, but are cut.
        justify: JustifyMethod = "right" if name in NUMBERS else "left"
        table.add_column(name, justify=justify, no_wrap=name != "name")
    bar = 24 if is_wide else 8 if width >= WITHOUT_BARS else 0
    cells = _Cells(bar, is_wide=is_wide, is_ascii=is_ascii)
    for gpu in inventory.gpus:
        seen = [_number(gpu.visible_as)] if shows_cuda else []
        shown = compress(cells.of_gpu(gpu), kept)
        table.add_row(str(gpu.index), *seen, *shown)
        for part in gpu.mig or ():
            seen = [_number(part.visible_as)] if shows_cuda else []
            shown = compress(cells.of_slice(part), kept)
            table.add_row(f"{gpu.index}/{part.index}", *seen, *shown)
    return table


def left_out_at(width: int) -> list[str]:
    """The columns that a table of this width goes without, the first to go first."""
    return [name for below, names in LEFT_OUT if width < below for name in names]


class _Cells:
    """The cells of a row, from the name on."""

    def __init__(self, bar_cells: int, *, is_wide: bool, is_ascii: bool) -> None:
        self.bar_cells = bar_cells
        self.is_wide = is_wide
        self.degrees = " C" if is_ascii else " °C"
        self.full, self.empty = ("#", ".") if is_ascii else ("█", "░")

    def of_gpu(self, gpu: Gpu) -> Iterator[RenderableType]:
        yield self._name(gpu)
        yield self._memory(gpu)
        yield _with_unit(gpu.utilization_percent, " %")
        yield _with_unit(gpu.temperature_c, self.degrees)
        yield self._power(gpu)
        yield self._compute(gpu)

    def of_slice(self, part: MigSlice) -> Iterator[RenderableType]:
        name = part.name or DASH
        yield one_line(name[name.find("MIG") :] if "MIG" in name else name)
        yield self._memory(part)
        yield from (DASH, DASH, DASH, "")

    def _name(self, gpu: Gpu) -> Text:
        if gpu.error is not None:
            return Text("no answer", style=ERROR)
        name = gpu.name or DASH
        short = name.removeprefix("NVIDIA ").removeprefix("GeForce ")
        return one_line(name if self.is_wide else short)

    def _memory(self, device: Gpu | MigSlice) -> Text:
        """A bar and `69.7 / 79.6 GiB`; where only the free memory is known, that."""
        total, used = device.memory_total_bytes, device.memory_used_bytes
        if total is None:
            return Text(DASH)
        if used is None:
            free = device.memory_free_bytes
            return Text(f"{_gib(total)} GiB" + (f", {_gib(free)} free" if free is not None else ""))
        share = used / total
        cells = min(self.bar_cells, round(self.bar_cells * share) or (1 if share > 0.01 else 0))
        percent = 100 * share
        colour = MARK_FULL if percent >= FULL else MARK_HIGH if percent >= HIGH else MARK
        slash = " / " if self.is_wide else "/"
        return Text.assemble(
            (self.full * cells, colour),
            (self.empty * (self.bar_cells - cells), MARK),
            " " if self.bar_cells else "",
            f"{_gib(used):>{5 if self.is_wide else 4}}{slash}{_gib(total)} GiB",
        )

    def _power(self, gpu: Gpu) -> str:
        if gpu.power_w is None:
            return DASH
        if gpu.power_limit_w is None:
            return f"{gpu.power_w:.0f} W"
        slash = " / " if self.is_wide else "/"
        return f"{gpu.power_w:.0f}{slash}{gpu.power_limit_w:.0f} W"

    def _compute(self, gpu: Gpu) -> str:
        capability = gpu.compute_capability or DASH
        return (
            f"{capability} {formats_text(capability, ' ')}".rstrip() if self.is_wide else capability
        )


def meanings(inventory: Inventory) -> Iterator[Text]:
    """What each compute capability means, where the table has no room for it."""
    found = dict.fromkeys(gpu.compute_capability for gpu in inventory.gpus)
    meant = [(each, formats_text(each, ", ")) for each in found if each is not None]
    lines = [f"{each}: {formats}" for each, formats in meant if formats]
    if lines:
        yield Text(f"compute {'; '.join(lines)}")


def formats_text(capability: str, between: str) -> str:
    """The formats of a compute capability; nothing where it is not known."""
    formats = number_formats(capability)
    return between.join(formats) or "no bf16" if formats is not None else ""


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / GIB:.1f}"


def _number(value: int | None) -> str:
    return DASH if value is None else str(value)


def _with_unit(value: int | None, unit: str) -> str:
    return DASH if value is None else f"{value}{unit}"
