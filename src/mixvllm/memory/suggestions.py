"""Changes of the settings that hold more requests: each is computed, none is canned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mixvllm.errors import EstimateError
from mixvllm.memory.answer import Suggestion
from mixvllm.memory.dtypes import ELEMENT_BYTES
from mixvllm.memory.planned import Planned, planned
from mixvllm.memory.request import EstimateRequest
from mixvllm.models.description import ModelDescription
from mixvllm.models.weights.groups import WeightFacts

SMALL_BATCH = 2048
FEW_SEQUENCES = 256
MOST_RANKS = 16
WINDOWED = frozenset({"sliding_window", "chunked_local"})
# A length that is not worth halving.
SHORT_LENGTH = 1024

Lever = tuple[str, EstimateRequest]


def suggest(
    description: ModelDescription,
    weights: WeightFacts | None,
    request: EstimateRequest,
    now: Planned,
) -> tuple[Suggestion, ...]:
    """The changes that raise the concurrency, the greatest gain first."""
    if now.pool_bytes is None:
        return ()
    found = []
    fixed = replace(request, max_model_len=now.serving.max_model_len)
    # What was measured does not hold for every change, and an estimate that is better only than
    # a measurement is no gain.
    least = now.plan.max_concurrency
    if now.measured is not None:
        estimated = planned(description, weights, replace(fixed, measurements=()))
        least = max(least, estimated.plan.max_concurrency)
    for change, changed in levers(fixed, now):
        try:
            other = planned(description, weights, changed)
        except EstimateError:
            # vLLM would refuse this combination: no change to suggest.
            continue
        plan = other.plan
        if other.fits and (plan.max_concurrency > least or not now.fits):
            found.append(Suggestion(change, plan.tokens, plan.max_concurrency))
    return tuple(sorted(found, key=lambda each: -each.max_concurrency))


def levers(request: EstimateRequest, now: Planned) -> Iterator[Lever]:
    """Changes worth trying, as flags and as the request with them."""
    serving, plan = now.serving, now.plan
    if plan.dtype in ELEMENT_BYTES:
        yield "--kv-cache-dtype fp8", replace(request, kv_cache_dtype="fp8")
    windowed = WINDOWED.intersection(group.kind for group in plan.groups)
    if serving.max_num_batched_tokens > SMALL_BATCH and (windowed or request.gpu):
        smaller = replace(request, max_num_batched_tokens=SMALL_BATCH)
        yield f"--max-num-batched-tokens {SMALL_BATCH}", smaller
    if request.gpu is not None:
        yield from _leaner(request, now)
    yield from _shorter(request, now)
    ranks = 2 * serving.tensor_parallel_size
    while ranks <= MOST_RANKS:
        yield f"--tensor-parallel-size {ranks}", replace(request, tensor_parallel_size=ranks)
        # Where it fits already, twice the GPUs is the next step; else it takes what it takes.
        ranks = ranks * 2 if not now.fits else MOST_RANKS + 1


def _leaner(request: EstimateRequest, now: Planned) -> Iterator[Lever]:
    """What leaves more of a GPU to the cache."""
    if now.serving.max_num_seqs > FEW_SEQUENCES:
        yield f"--max-num-seqs {FEW_SEQUENCES}", replace(request, max_num_seqs=FEW_SEQUENCES)
    if not request.enforce_eager:
        yield "--enforce-eager", replace(request, enforce_eager=True)


def _shorter(request: EstimateRequest, now: Planned) -> Iterator[Lever]:
    length, longest = now.serving.max_model_len, now.plan.max_model_len_that_fits
    lengths = {length // 2} if length >= 2 * SHORT_LENGTH else set()
    if not now.plan.fits and longest:
        lengths.add(longest)
    for shorter in sorted(lengths):
        yield f"--max-model-len {shorter}", replace(request, max_model_len=shorter)
