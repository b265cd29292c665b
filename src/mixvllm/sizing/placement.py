"""Whether a model fits on the GPUs of this machine, each looked at, and which of them to take."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mixvllm.gpus.device import Gpu as Device
from mixvllm.gpus.device import MigSlice
from mixvllm.memory.answer import Estimate
from mixvllm.memory.estimate import estimate
from mixvllm.memory.gpu_table import Gpu
from mixvllm.memory.request import EstimateRequest
from mixvllm.models.found import FoundModel
from mixvllm.sizing.for_model import with_measurements
from mixvllm.sizing.present import PresentGpu, PresentGpus


@dataclass(frozen=True)
class Seat:
    """One GPU, and what would be on it.

    Attributes:
        device: The GPU, or the slice, as it is now.
        estimate: What vLLM would report there; None where nothing tells how large it is.
        requested_bytes: The memory that vLLM takes; None where that is not known.
        left_bytes: What is free beyond that now; below 0 where it is in use.
    """

    device: Device | MigSlice
    estimate: Estimate | None
    requested_bytes: int | None
    left_bytes: int | None

    @property
    def takes_it(self) -> bool:
        """Whether the model fits, with the memory that is free now, as far as that is known."""
        fits = self.estimate is not None and self.estimate.fits is True
        return fits and (self.left_bytes is None or self.left_bytes >= 0)


@dataclass(frozen=True)
class Placement:
    """The answer of `gpus --for`.

    Attributes:
        model: Its name.
        needed: How many GPUs the settings take.
        seats: The GPUs that a program started here sees, in its order.
    """

    model: str
    needed: int
    seats: tuple[Seat, ...]

    @property
    def taken(self) -> tuple[Seat, ...]:
        """The first that take it; empty where there are not enough."""
        willing = tuple(seat for seat in self.seats if seat.takes_it)[: self.needed]
        return willing if len(willing) == self.needed else ()

    @property
    def must_be_chosen(self) -> bool:
        """Whether vLLM left alone would take others: it takes the first that it sees."""
        return bool(self.taken) and self.taken != self.seats[: self.needed]


def place(
    found: FoundModel, request: EstimateRequest, present: PresentGpus, revision: str | None
) -> Placement:
    """Look at each GPU as `estimate-kv` would.

    Raises:
        EstimateError: vLLM would refuse the settings, or what they ask for is not modelled.
    """
    answers: dict[Gpu, Estimate] = {}
    for gpu in dict.fromkeys(each.gpu for each in present.gpus if each.gpu is not None):
        asked = replace(request, gpu=gpu, gpu_is_present=True)
        asked = with_measurements(asked, found, revision)
        answers[gpu] = estimate(found.description, found.weights, found.source, asked)
    return Placement(
        found.description.name,
        request.tensor_parallel_size * request.pipeline_parallel_size * request.data_parallel_size,
        tuple(_seat(each, answers) for each in present.gpus),
    )


def _seat(present: PresentGpu, answers: dict[Gpu, Estimate]) -> Seat:
    answer = answers[present.gpu] if present.gpu is not None else None
    requested = answer.budget.requested_bytes if answer and answer.budget else None
    free = present.device.memory_free_bytes
    left = None if requested is None or free is None else free - requested
    return Seat(present.device, answer, requested, left)
