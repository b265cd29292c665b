"""Whether a model fits on the GPUs of this machine, for people and as JSON."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from mixvllm.gpus.device import Gpu, Inventory, MigSlice
from mixvllm.render.fitting_table import FittingTable
from mixvllm.render.gpu_processes import one_line
from mixvllm.render.gpus import no_gpu
from mixvllm.render.memory import way_out
from mixvllm.render.theme import ERROR, GOOD, NAME, WARNING
from mixvllm.render.units import size_text
from mixvllm.sizing.placement import Placement, Seat

COLUMNS = ("GPU", "name", "verdict", "KV cache", "requests", "asks for", "free", "left")
DROPPED_FIRST = ("asks for", "left", "KV cache", "name", "requests")


def placement_view(placement: Placement, inventory: Inventory) -> RenderableType:
    """The verdict, and a row for each GPU."""
    if not inventory.gpus:
        return no_gpu(inventory)
    if not placement.seats:
        return verdict(placement)
    return Group(verdict(placement), "", _table(placement))


def verdict(placement: Placement) -> Text:
    """Where it fits, or why it does not, in a sentence or two."""
    name, taken = (placement.model, NAME), placement.taken
    if taken:
        text = Text.assemble(name, (" fits", GOOD), f" on {_named(taken)}.")
        if placement.must_be_chosen:
            chosen = ",".join(seat.device.uuid or str(seat.device.index) for seat in taken)
            text.append(f" vLLM takes the first that it sees: set CUDA_VISIBLE_DEVICES={chosen}")
        return text
    return Text.assemble(name, (" does not fit", ERROR), f": {_obstacle(placement)}")


def _obstacle(placement: Placement) -> str:
    """What stands in the way, on the first GPU where something does."""
    seats = placement.seats
    if len(seats) < placement.needed:
        there = f"{len(seats)} {'is' if len(seats) == 1 else 'are'} usable here"
        return f"it takes {placement.needed} GPUs, {there}."
    seat = next(each for each in seats if not each.takes_it)
    where = f"on {_named((seat,))} "
    if seat.estimate is None:
        return f"how large {_named((seat,))} is, nobody tells."
    if seat.estimate.fits is not True:
        return where + way_out(seat.estimate)
    asked, free = size_text(seat.requested_bytes), size_text(seat.device.memory_free_bytes)
    return where + f"vLLM asks for {asked}, and {free} is free; see `mixvllm gpus`."


def _named(seats: tuple[Seat, ...]) -> str:
    names = [_name(seat.device) for seat in seats]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _name(device: Gpu | MigSlice) -> str:
    return f"{'GPU' if isinstance(device, Gpu) else 'slice'} {device.index}"


def _table(placement: Placement) -> FittingTable:
    rows = []
    for seat in placement.seats:
        capacity = seat.estimate.capacity if seat.estimate is not None else None
        is_in_use = seat.left_bytes is not None and seat.left_bytes < 0
        rows.append(
            [
                Text(str(seat.device.index)),
                one_line((seat.device.name or "-").removeprefix("NVIDIA ")),
                _seat_verdict(seat),
                Text(f"{capacity.tokens:,}" if capacity else "-"),
                Text(f"{capacity.max_concurrency:.2f}" if capacity else "-"),
                Text(size_text(seat.requested_bytes)),
                Text(size_text(seat.device.memory_free_bytes)),
                Text("none", style=ERROR) if is_in_use else Text(size_text(seat.left_bytes)),
            ]
        )
    return FittingTable(COLUMNS, rows, COLUMNS[:3], DROPPED_FIRST)


def _seat_verdict(seat: Seat) -> Text:
    if seat.estimate is None:
        return Text("unknown")
    if seat.estimate.fits is not True:
        return Text("too small", style=ERROR)
    return Text("fits", style=GOOD) if seat.takes_it else Text("in use", style=WARNING)


def placement_as_json(placement: Placement, inventory: Inventory) -> dict[str, Any]:
    """The JSON document of `mixvllm gpus --for`."""
    return {
        "model": placement.model,
        "fits": bool(placement.taken),
        "gpus_needed": placement.needed,
        "gpus_taken": [seat.device.index for seat in placement.taken],
        "gpus": [_seat_as_json(seat) for seat in placement.seats],
        "source": inventory.source,
        "reason": inventory.reason,
    }


def _seat_as_json(seat: Seat) -> dict[str, Any]:
    capacity = seat.estimate.capacity if seat.estimate is not None else None
    return {
        "index": seat.device.index,
        "uuid": seat.device.uuid,
        "name": seat.device.name,
        "fits": seat.estimate.fits if seat.estimate is not None else None,
        "kv_cache_tokens": capacity.tokens if capacity else None,
        "max_concurrency": capacity.max_concurrency if capacity else None,
        "requested_bytes": seat.requested_bytes,
        "memory_free_bytes": seat.device.memory_free_bytes,
        "left_bytes": seat.left_bytes,
    }
