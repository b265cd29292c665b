"""Whether the GPUs have the memory free that vLLM asks for: it looks before it loads anything.

The rule is vLLM's `request_memory` (0.32 and 0.33): free memory on the device, after its own CUDA
context and NCCL were made, must be at least `gpu_memory_utilization` of the whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mixvllm.gpus.device import Gpu, GpuProcess, MigSlice
from mixvllm.gpus.processes import with_processes_named
from mixvllm.settings.schema import InferenceConfig
from mixvllm.sizes import GIB
from mixvllm.sizing.finding import MODEL, UTILIZATION, Finding, gpus_wanted, in_gib

if TYPE_CHECKING:
    from mixvllm.memory.answer import Estimate, Suggestion

# What vLLM's own CUDA context takes before it looks; contexts of recent GPUs take 0.3 to 0.6 GiB.
CONTEXT_BYTES = GIB * 6 // 10
MOST_NAMED = 3
LEAST_SHARE = 0.1
# A context that is worth offering.
LEAST_LENGTH = 1024

# The estimate with another share of each GPU, and another longest context where one is given.
Retry = Callable[[float, int | None], "Estimate | None"]


@dataclass(frozen=True)
class _Seat:
    """A GPU that vLLM would take, with what is free on it and what vLLM would ask for."""

    device: Gpu | MigSlice
    total_bytes: int
    free_bytes: int
    asked_bytes: int

    @property
    def is_short(self) -> bool:
        return self.free_bytes < self.asked_bytes

    @property
    def may_be_short(self) -> bool:
        return self.free_bytes - CONTEXT_BYTES < self.asked_bytes

    @property
    def share(self) -> float:
        """The largest share, in hundredths, that is free beside vLLM's own context."""
        return math.floor(100 * (self.free_bytes - CONTEXT_BYTES) / self.total_bytes) / 100


class Present(Protocol):
    """What must be known: settings and GPUs; a `Case` knows the model too."""

    @property
    def asked(self) -> InferenceConfig:
        """What is asked of the engine."""

    @property
    def devices(self) -> tuple[Gpu | MigSlice, ...]:
        """The GPUs that a program started now would see."""

    @property
    def servers(self) -> Callable[[], Collection[int]]:
        """Says which processes are servers of mixvllm."""


@dataclass(frozen=True)
class Hardware:
    """The same where the model is not known."""

    asked: InferenceConfig
    devices: tuple[Gpu | MigSlice, ...]
    servers: Callable[[], Collection[int]]


def free_findings(case: Present, retry: Retry = lambda share, length: None) -> Iterator[Finding]:
    """GPUs whose memory is in use.

    Args:
        case: What is checked.
        retry: Estimates the same with changes; without it, what would fit is not told.
    """
    share = case.asked.gpu_memory_utilization
    seats = [seat for device in case.devices if (seat := _seat(device, share)) is not None]
    taken = [seat for seat in seats if seat.device in case.devices[: gpus_wanted(case.asked)]]
    short = [seat for seat in taken if seat.is_short] or [s for s in taken if s.may_be_short]
    if not short:
        return
    worst = min(short, key=lambda seat: seat.free_bytes - seat.asked_bytes)
    # With Ray the workers may be on other machines.
    certain = worst.is_short and case.asked.distributed_executor_backend != "ray"
    holders = _holders(case, short)
    yield Finding(
        (UTILIZATION, MODEL),
        _message(worst, short, share) + _held(holders),
        "error" if certain else "warning",
        "; ".join(_advice(case, holders, seats, worst)) or None,
        _less(min(seat.share for seat in short), share, retry),
        code="gpu-memory-in-use",
    )


def _seat(device: Gpu | MigSlice, share: float) -> _Seat | None:
    total, free = device.memory_total_bytes, device.memory_free_bytes
    if total is None or free is None:
        return None
    total -= device.memory_reserved_bytes or 0
    return _Seat(device, total, free, math.ceil(total * share))


def _message(worst: _Seat, short: Sequence[_Seat], share: float) -> str:
    message = (
        f"vLLM asks for {in_gib(worst.asked_bytes)} ({share:g} of {in_gib(worst.total_bytes)}) of "
        f"{_name(worst.device)}, and {in_gib(worst.free_bytes)} are free now"
    )
    if not worst.is_short:
        message += f", of which its own CUDA context takes up to {in_gib(CONTEXT_BYTES)}"
    if len(short) > 1:
        others = ", ".join(str(seat.device.index) for seat in short if seat is not worst)
        message += f"; the same on GPU {others}"
    return message


def _name(device: Gpu | MigSlice) -> str:
    return f"GPU {device.index}" + (f", {device.name}" if device.name else "")


def _holders(case: Present, short: Sequence[_Seat]) -> list[GpuProcess]:
    gpus = [seat.device for seat in short if isinstance(seat.device, Gpu)]
    return largest_holders(gpus, case.servers())


def largest_holders(gpus: Sequence[Gpu], servers: Collection[int]) -> list[GpuProcess]:
    """The processes that hold the most of some GPUs, named; none where the driver tells none.

    Args:
        gpus: As the driver tells of them.
        servers: The processes of the servers of mixvllm.
    """
    if not any(gpu.processes for gpu in gpus):
        return []
    named = with_processes_named(gpus, servers)
    by_pid = {process.pid: process for gpu in named for process in gpu.processes}
    return sorted(by_pid.values(), key=lambda process: -(process.memory_bytes or 0))[:MOST_NAMED]


def _held(holders: Sequence[GpuProcess]) -> str:
    if not holders:
        return ""
    hold = "holds" if len(holders) == 1 else "hold"
    return f"; {', '.join(map(in_words, holders))} {hold} memory there"


def in_words(process: GpuProcess) -> str:
    """A process with what is known of it."""
    facts = [process.name or "not visible from here", process.user]
    if process.memory_bytes is not None:
        facts.append(in_gib(process.memory_bytes))
    if process.kind == "orphan":
        facts.append("left by a dead server")
    return f"process {process.pid} ({', '.join(fact for fact in facts if fact)})"


def _advice(
    case: Present, holders: Sequence[GpuProcess], seats: Sequence[_Seat], worst: _Seat
) -> Iterator[str]:
    """Other GPUs where there are enough, and what to do about who holds these."""
    count = gpus_wanted(case.asked)
    free = [seat for seat in seats if not seat.may_be_short and isinstance(seat.device, Gpu)]
    if len(free) >= count:
        numbers = ",".join(str(seat.device.index) for seat in free[:count])
        yield f"CUDA_VISIBLE_DEVICES={numbers} takes GPUs that are free"
    if orphans := [str(each.pid) for each in holders if each.kind == "orphan"]:
        yield f"`kill {' '.join(orphans)}` ends what a dead server left"
    elif any(each.kind == "mixvllm" for each in holders):
        yield "`mixvllm stop` ends a server of ours"
    elif holders and worst.free_bytes + (holders[0].memory_bytes or 0) >= worst.asked_bytes:
        yield f"there is enough when process {holders[0].pid} has ended"


def _less(share: float, asked: float, retry: Retry) -> tuple[Suggestion, ...]:
    """The share that is free, with what it would hold; with a shorter context where it must be."""
    if not LEAST_SHARE <= share < asked:
        return ()
    change, answer = f"--gpu-memory-utilization {share:g}", retry(share, None)
    if answer and answer.capacity and not answer.capacity.fits:
        longest = answer.capacity.max_model_len_that_fits
        change += f" --max-model-len {longest}"
        answer = retry(share, longest) if longest >= LEAST_LENGTH else None
    if answer is None or answer.capacity is None or not answer.capacity.fits:
        return ()
    from mixvllm.memory.answer import Suggestion

    held = answer.capacity
    way = Suggestion(
        change,
        held.tokens,
        held.max_concurrency,
        math.floor(held.max_concurrency),
        answer.gpu_count,
    )
    return (way,)
