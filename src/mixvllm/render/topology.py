"""How the GPUs of a machine are joined, as a matrix."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mixvllm.gpus.device import Inventory
from mixvllm.render.gpus import no_gpu
from mixvllm.render.theme import GOOD, NAME

MEANINGS = {
    "NV": "so many NVLinks",
    "INT": "one board",
    "PIX": "one PCIe switch",
    "PXB": "several PCIe switches",
    "PHB": "the CPU's PCIe bridge",
    "NODE": "several bridges of one CPU",
    "SYS": "from CPU to CPU",
}
FAST = GOOD


def topology_view(inventory: Inventory) -> RenderableType:
    """The matrix, and what its words mean."""
    if not inventory.gpus:
        return no_gpu(inventory)
    if inventory.links is None:
        return Text("How the GPUs are joined is not known: NVML did not answer.")
    if len(inventory.gpus) == 1:
        return Text("There is one GPU: nothing to join.")
    table = Table(box=None, pad_edge=False, header_style=NAME, padding=(0, 2, 0, 0))
    for name in ("GPU", *(str(gpu.index) for gpu in inventory.gpus)):
        table.add_column(name, no_wrap=True)
    for gpu, links in zip(inventory.gpus, inventory.links, strict=True):
        cells = [_cell(link, own=gpu.index == i) for i, link in enumerate(links)]
        table.add_row(str(gpu.index), *cells)
    return Group(table, "", *_legend(inventory.links), ADVICE)


ADVICE = Text(
    "Tensor parallelism exchanges data in every layer: prefer GPUs joined by NVLink; where there "
    "is none, pipeline parallelism asks less of the way between them."
)


def _cell(link: str | None, *, own: bool) -> Text:
    if own:
        return Text("X")
    return Text(link or "-", style=FAST if (link or "").startswith("NV") else "")


def _legend(links: tuple[tuple[str | None, ...], ...]) -> list[Text]:
    words = {"NV" if link.startswith("NV") else link for row in links for link in row if link}
    known = [f"{word}: {MEANINGS[word]}" for word in MEANINGS if word in words]
    return [Text("; ".join(known))] if known else []
