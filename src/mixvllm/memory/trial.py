"""One value of an unknown, tried: the model is planned with it and judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from mixvllm.errors import EstimateError
from mixvllm.memory.at_once import asked_tokens, held, holds, with_room
from mixvllm.memory.changes import flags_between
from mixvllm.memory.gpu_table import flag_of
from mixvllm.memory.planned import Planned, planned, planned_as_asked
from mixvllm.memory.request import EstimateRequest
from mixvllm.memory.solution import Option
from mixvllm.models.description import ModelDescription
from mixvllm.models.weights.groups import WeightFacts


@dataclass(frozen=True)
class Checkpoint:
    """A model and its weights, as a source describes them."""

    description: ModelDescription
    weights: WeightFacts | None


def served(checkpoint: Checkpoint, request: EstimateRequest) -> tuple[EstimateRequest, Planned]:
    """The model planned with limits that let as many requests run as are asked for.

    A model with recurrent states gets no more sequences than there are blocks for them: vLLM
    refuses to capture its CUDA graphs otherwise.

    Raises:
        EstimateError: vLLM would refuse the settings, or what they ask for is not modelled.
    """
    description, weights, now = planned_as_asked(
        checkpoint.description, checkpoint.weights, request
    )
    ready, then = with_room(description, weights, request, now)
    if then.plan.warnings and then.plan.num_blocks >= (request.concurrency or 1):
        ready = replace(ready, max_num_seqs=then.plan.num_blocks)
        then = planned(description, weights, ready)
    return ready, then


def does(checkpoint: Checkpoint, request: EstimateRequest) -> bool:
    """Whether vLLM starts with these settings and holds what is asked for."""
    try:
        ready, then = served(checkpoint, request)
        return holds(then, ready)
    except EstimateError:
        return False


def tried(
    checkpoint: Checkpoint,
    request: EstimateRequest,
    value: str,
    *,
    given: EstimateRequest,
    needs: str | None = None,
) -> Option:
    """The settings of `request`, judged, with the flags that lead there from the given ones."""
    model, gpu = checkpoint.description, request.gpu
    known = Option(
        value=value,
        fits=False,
        model=model.name,
        parameters=model.parameters,
        flags=flags_between(given, request),
        gpu=flag_of(gpu) if gpu else None,
        gpu_count=request.tensor_parallel_size
        * request.pipeline_parallel_size
        * request.data_parallel_size,
        gpu_bytes=gpu.total_bytes if gpu else None,
        needs=needs,
    )
    try:
        ready, then = served(checkpoint, request)
        at_once = held(then, asked_tokens(ready, then)) if then.fits else 0
        fits = holds(then, ready)
    except EstimateError as error:
        return replace(known, refusal=error.message)
    return replace(
        known,
        fits=fits,
        flags=flags_between(given, ready),
        max_model_len=then.serving.max_model_len,
        at_once=at_once,
        tokens=then.plan.tokens,
        max_concurrency=then.plan.max_concurrency,
        pool_bytes=then.pool_bytes,
        weights_bytes_per_gpu=then.weights.total_bytes if then.weights else None,
    )


def largest(does_it: Callable[[int], bool], low: int, high: int) -> int:
    """The largest number between the bounds that does, where all smaller ones do too; else 0."""
    if low > high or not does_it(low):
        return 0
    while low < high:
        middle = (low + high + 1) // 2
        if does_it(middle):
            low = middle
        else:
            high = middle - 1
    return low
