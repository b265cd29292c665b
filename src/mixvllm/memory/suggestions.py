"""Changes of the settings that hold more requests: each is computed, none is canned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

from mixvllm.errors import EstimateError
from mixvllm.memory.answer import Question, Suggestion
from mixvllm.memory.at_once import asked_tokens, held, holds
from mixvllm.memory.changes import flags_between
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
# Of the pairs of changes that reach what is asked for, so many are told.
MOST_PAIRS = 6

Change = dict[str, Any]


def suggest(
    description: ModelDescription,
    weights: WeightFacts | None,
    request: EstimateRequest,
    now: Planned,
    asked: Question | None = None,
) -> tuple[Suggestion, ...]:
    """The changes that raise the concurrency, the greatest gain first.

    Where as many requests as are asked for do not fit, only what makes them fit; if no change
    does alone, pairs of changes that do.
    """
    if now.pool_bytes is None:
        return ()
    unmet = asked is not None and not asked.fits
    fixed = replace(request, max_model_len=now.serving.max_model_len)
    # What was measured does not hold for every change, and an estimate that is better only than
    # a measurement is no gain.
    least = now.plan.max_concurrency
    if now.measured is not None:
        estimated = planned(description, weights, replace(fixed, measurements=()))
        least = max(least, estimated.plan.max_concurrency)
    limits = asked.flags if asked is not None and unmet else ()
    changes = list(levers(fixed, now, asked if unmet else None))

    def improves(other: Planned) -> bool:
        if unmet:
            return holds(other, fixed)
        more = other.plan.max_concurrency > least
        return other.fits and (more or not now.fits)

    def tried(some: Iterable[Change]) -> list[Suggestion]:
        found = []
        for change in some:
            changed = replace(fixed, **change)
            try:
                other = planned(description, weights, changed)
                if improves(other):
                    flags = (*flags_between(fixed, changed), *limits)
                    found.append(_suggestion(" ".join(flags), changed, other))
            except EstimateError:
                # vLLM would refuse this combination: no change to suggest.
                continue
        return sorted(found, key=lambda each: -each.max_concurrency)

    alone = tried(changes)
    if not unmet:
        return tuple(alone)
    apart = ({**a, **b} for a, b in combinations(changes, 2) if not a.keys() & b.keys())
    return _without_needless_gpus(alone or tried(apart))[:MOST_PAIRS]


def _suggestion(flags: str, changed: EstimateRequest, other: Planned) -> Suggestion:
    return Suggestion(
        change=flags,
        tokens=other.plan.tokens,
        max_concurrency=other.plan.max_concurrency,
        at_once=held(other, asked_tokens(changed, other)),
        gpu_count=changed.tensor_parallel_size * changed.pipeline_parallel_size,
    )


def _without_needless_gpus(found: list[Suggestion]) -> tuple[Suggestion, ...]:
    """What holds as many requests as asked for on the GPUs there are, or else on the fewest."""
    fewest = min((each.gpu_count for each in found), default=0)
    more = min((each.gpu_count for each in found if each.gpu_count > fewest), default=0)
    return tuple(each for each in found if each.gpu_count in (fewest, more))


def levers(request: EstimateRequest, now: Planned, unmet: Question | None) -> Iterator[Change]:
    """Changes worth trying, as fields of the request."""
    serving, plan = now.serving, now.plan
    if plan.dtype in ELEMENT_BYTES:
        yield {"kv_cache_dtype": "fp8"}
    windowed = WINDOWED.intersection(group.kind for group in plan.groups)
    if serving.max_num_batched_tokens > SMALL_BATCH and (windowed or request.gpu):
        yield {"max_num_batched_tokens": SMALL_BATCH}
    if request.gpu is not None:
        yield from _leaner(request, now)
    yield from _shorter(request, now, unmet)
    ranks = 2 * serving.tensor_parallel_size
    while ranks <= MOST_RANKS:
        yield {"tensor_parallel_size": ranks}
        # Where it fits already, twice the GPUs is the next step; else it takes what it takes.
        ranks = ranks * 2 if unmet or not now.fits else MOST_RANKS + 1


def _leaner(request: EstimateRequest, now: Planned) -> Iterator[Change]:
    """What leaves more of a GPU to the cache."""
    few = max(FEW_SEQUENCES, request.concurrency or 0)
    if now.serving.max_num_seqs > few:
        yield {"max_num_seqs": few}
    if not request.enforce_eager:
        yield {"enforce_eager": True}


def _shorter(request: EstimateRequest, now: Planned, unmet: Question | None) -> Iterator[Change]:
    length, longest = now.serving.max_model_len, now.plan.max_model_len_that_fits
    lengths = {length // 2} if length >= 2 * SHORT_LENGTH else set()
    if not now.plan.fits and longest:
        lengths.add(longest)
    if unmet is not None and request.load is None and unmet.longest:
        lengths = {unmet.longest}
    for shorter in sorted(lengths):
        yield {"max_model_len": shorter}
