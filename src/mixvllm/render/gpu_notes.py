"""What should be known about the GPUs of a machine beside their figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from mixvllm.gpus.device import Gpu, Inventory
from mixvllm.render.theme import ERROR, NOTE, WARNING


def notes(inventory: Inventory) -> Iterator[Text]:
    """A line for each."""
    gpus = inventory.gpus
    for gpu in gpus:
        if gpu.error is not None:
            yield _line("error", ERROR, f"GPU {gpu.index}: {gpu.error}.")
    yield from _orphans(gpus)
    if inventory.source == "torch":
        text = f"Asked PyTorch: {inventory.failures[0].message}."
        yield _line("note", NOTE, text)
    if sizes := [str(gpu.index) for gpu in gpus if _hides_its_memory(gpu)]:
        text = f"The driver does not tell the memory of {_gpus(sizes)}, as where a CPU shares it."
        yield _line("note", NOTE, text)
    yield from _divided(gpus)
    if inventory.visible_devices is not None:
        yield _line("note", NOTE, _visibility(inventory, inventory.visible_devices))
    if _order_is_unclear(inventory):
        text = "These GPUs differ: CUDA may count the fastest first. CUDA_DEVICE_ORDER=PCI_BUS_ID"
        yield _line("note", NOTE, f"{text} makes it count as here.")
    hidden = {process.pid for gpu in gpus for process in gpu.processes if process.name is None}
    if hidden:
        those = "1 process is" if len(hidden) == 1 else f"{len(hidden)} processes are"
        text = f"{those} not visible from here: in another container, or hidden from this user."
        yield _line("note", NOTE, text)


def _orphans(gpus: Sequence[Gpu]) -> Iterator[Text]:
    left: dict[int, list[str]] = {}
    for gpu in gpus:
        for process in gpu.processes:
            if process.kind == "orphan":
                left.setdefault(process.pid, []).append(str(gpu.index))
    if left:
        pids = " ".join(map(str, left))
        held = sorted({index for indices in left.values() for index in indices}, key=int)
        whose = "an orphan that a dead server left" if len(left) == 1 else "orphans of dead servers"
        text = f"{_gpus(held)}: held by {whose}. End it: kill {pids}"
        yield _line("warning", WARNING, text)


def _divided(gpus: Sequence[Gpu]) -> Iterator[Text]:
    """A slice is no GPU: vLLM cannot use two of them together."""
    if sliced := [str(gpu.index) for gpu in gpus if gpu.mig]:
        text = f"{_gpus(sliced)}: divided into slices (MIG), of which a program sees one."
        yield _line("note", NOTE, text)
    if empty := [str(gpu.index) for gpu in gpus if gpu.mig == ()]:
        text = f"{_gpus(empty)}: in MIG mode without a slice: nothing can run on it."
        yield _line("note", NOTE, text)


def _visibility(inventory: Inventory, text: str) -> str:
    variable = "CUDA_VISIBLE_DEVICES=" + (text or "''")
    if not inventory.usable:
        return f"{variable} hides every GPU from programs started here."
    hidden = [str(gpu.index) for gpu in inventory.gpus if gpu.visible_as is None]
    divided = [gpu for gpu in inventory.gpus if gpu.mig]
    if divided and not any(gpu.visible_as is not None for gpu in inventory.gpus):
        return f"{variable} shows one slice to programs started here."
    return f"{variable} hides {_gpus(hidden)}." if hidden else f"{variable} shows every GPU."


def _hides_its_memory(gpu: Gpu) -> bool:
    return gpu.error is None and gpu.memory_total_bytes is None


def _order_is_unclear(inventory: Inventory) -> bool:
    """Whether CUDA may number the GPUs in another order than the driver does."""
    kinds = {gpu.name for gpu in inventory.gpus if gpu.error is None}
    return inventory.source == "nvml" and len(kinds) > 1 and inventory.device_order != "PCI_BUS_ID"


def _gpus(indices: Sequence[str]) -> str:
    if len(indices) == 1:
        return f"GPU {indices[0]}"
    return f"GPUs {', '.join(indices[:-1])} and {indices[-1]}"


def _line(kind: str, style: str, text: str) -> Text:
    return Text.assemble((f"{kind}:", style), f" {text}")
