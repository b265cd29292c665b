"""The GPUs of a machine for people."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from mixvllm.gpus.device import Inventory
from mixvllm.render.theme import ERROR, NAME

DASH = "-"


class GpuView:
    """Header, a row a GPU, the processes on them, and what should be known about them."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """As wide as there is room for."""
        inventory = self.inventory
        if not inventory.gpus:
            yield no_gpu(inventory)
            return
        # Tables take longer to import than a machine without a GPU takes to be answered.
        from mixvllm.render.fitting_table import what_is_left_out
        from mixvllm.render.gpu_notes import notes
        from mixvllm.render.gpu_processes import process_table
        from mixvllm.render.gpu_table import WIDE, gpu_table, left_out_at, meanings

        yield Text(_header(inventory))
        yield ""
        yield gpu_table(inventory, width=options.max_width, is_ascii=options.ascii_only)
        if options.max_width < WIDE:
            yield from meanings(inventory)
        if left_out := left_out_at(options.max_width):
            yield what_is_left_out(left_out)
        if any(gpu.processes for gpu in inventory.gpus):
            yield ""
            yield process_table(inventory.gpus)
        remarks = list(notes(inventory))
        if remarks:
            yield ""
            yield from remarks


def no_gpu(inventory: Inventory) -> Text:
    """One sentence, and what to do where something is broken."""
    broken = [failure for failure in inventory.failures if failure.fix is not None]
    verb = "can be read" if broken else "found"
    reasons = ", and ".join(failure.message for failure in inventory.failures)
    text = Text.assemble((f"No GPU {verb}", ERROR if broken else NAME), f": {reasons}.")
    for failure in broken:
        text.append(f"\n  Try: {failure.fix}")
    return text


def _header(inventory: Inventory) -> str:
    if inventory.source == "torch":
        return "as PyTorch sees them" + (f", CUDA {inventory.cuda}" if inventory.cuda else "")
    return f"NVIDIA driver {inventory.driver or DASH}, CUDA {inventory.cuda or DASH}"
