"""Changes of the settings that hold more requests: each is computed, none is canned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mixvllm.errors import EstimateError
from mixvllm.memory.answer import Suggestion
from mixvllm.memory.dtypes import ELEMENT_BYTES
from mixvllm.memory.kv.plan import KvPlan, plan_kv_cache
from mixvllm.memory.request import EstimateRequest, serving_facts
from mixvllm.models.description import ModelDescription

SMALL_BATCH = 2048
WINDOWED = frozenset({"sliding_window", "chunked_local"})
# A length that is not worth halving.
SHORT_LENGTH = 1024

Lever = tuple[str, EstimateRequest]


def suggest(
    description: ModelDescription, request: EstimateRequest, plan: KvPlan
) -> tuple[Suggestion, ...]:
    """The changes that raise the concurrency, the greatest gain first."""
    pool = request.kv_cache_memory_bytes or 0
    found = []
    for change, changed in levers(description, request, plan):
        try:
            other = plan_kv_cache(description, serving_facts(description, changed), pool)
        except EstimateError:
            # vLLM would refuse this combination: no change to suggest.
            continue
        if other.fits and (other.max_concurrency > plan.max_concurrency or not plan.fits):
            found.append(Suggestion(change, other.tokens, other.max_concurrency))
    return tuple(sorted(found, key=lambda each: -each.max_concurrency))


def levers(
    description: ModelDescription, request: EstimateRequest, plan: KvPlan
) -> Iterator[Lever]:
    """Changes worth trying, as flags and as the request with them."""
    serving = serving_facts(description, request)
    if plan.dtype in ELEMENT_BYTES:
        yield "--kv-cache-dtype fp8", replace(request, kv_cache_dtype="fp8")
    batch = serving.max_num_batched_tokens
    if batch > SMALL_BATCH and WINDOWED.intersection(group.kind for group in plan.groups):
        smaller = replace(request, max_num_batched_tokens=SMALL_BATCH)
        yield f"--max-num-batched-tokens {SMALL_BATCH}", smaller
    yield from _shorter(serving.max_model_len, request, plan)
    ranks = 2 * serving.tensor_parallel_size
    yield f"--tensor-parallel-size {ranks}", replace(request, tensor_parallel_size=ranks)


def _shorter(length: int, request: EstimateRequest, plan: KvPlan) -> Iterator[Lever]:
    lengths = {length // 2} if length >= 2 * SHORT_LENGTH else set()
    if not plan.fits and plan.max_model_len_that_fits:
        lengths.add(plan.max_model_len_that_fits)
    for shorter in sorted(lengths):
        yield f"--max-model-len {shorter}", replace(request, max_model_len=shorter)
