"""How many requests run together, and whether as many as asked for do."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from mixvllm.errors import EstimateError
from mixvllm.memory.answer import AtOnce, Question
from mixvllm.memory.changes import flags_between
from mixvllm.memory.kv.pool import longest, plan_ranks, request_blocks, starts_with
from mixvllm.memory.planned import Planned, planned
from mixvllm.memory.request import EstimateRequest
from mixvllm.models.description import ModelDescription
from mixvllm.models.weights.groups import WeightFacts


def asked_tokens(request: EstimateRequest, now: Planned) -> int:
    """Tokens of the requests that are asked for: those of the load, or else the longest.

    Raises:
        EstimateError: the load's are longer than the longest.
    """
    longest_tokens = now.serving.max_model_len
    if request.load is None:
        return longest_tokens
    tokens = request.load.tokens
    if tokens > longest_tokens:
        raise EstimateError(
            f"A request of {tokens} tokens (prompt and output) is longer than max_model_len "
            f"({longest_tokens}).",
            hint=f"Set --max-model-len to at least {tokens}, or make the request shorter.",
        )
    return tokens


def held(now: Planned, tokens: int, pool_bytes: int | None = None) -> int:
    """Whole requests of so many tokens that the pool, or one of another size, holds.

    `floor((blocks - 1) / blocks of a request)`: the pool never lends its null block, which vLLM's
    own fit check leaves out too where the release is known to. vLLM's printed concurrency is
    `blocks / blocks of a request`, so that `10.00x` are 9 whole requests.
    """
    ranks = now.plan.ranks
    if pool_bytes is not None:
        ranks = plan_ranks(now.groups, now.serving, max(0, pool_bytes))
    lent = min(rank.num_blocks for rank in ranks) - now.serving.rules.reserves_null_block
    return max(0, lent // request_blocks(now.groups, now.serving, tokens))


def at_once(now: Planned, tokens: int) -> AtOnce:
    """How many requests of so many tokens run together."""
    blocks = request_blocks(now.groups, now.serving, tokens)
    low = high = None
    if now.budget is not None and now.budget.requested_bytes is not None:
        band = now.budget.kv_cache
        low, high = (held(now, tokens, size) for size in (band.low, band.high))
    return AtOnce(
        tokens=tokens,
        blocks_per_request=blocks,
        bytes_per_request_per_gpu=blocks * now.plan.bytes_per_block,
        by_memory=None if now.pool_bytes is None else held(now, tokens),
        by_memory_low=low,
        by_memory_high=high,
        max_num_seqs=now.serving.max_num_seqs,
    )


def longest_at_once(now: Planned, concurrency: int) -> int:
    """The most tokens that each of so many requests may have; 0 if they do not fit at all."""
    fits = partial(starts_with, now.groups, now.serving, now.plan.ranks, requests=concurrency)
    return longest(fits, now.longest_allowed)


def scheduled(request: EstimateRequest, now: Planned) -> EstimateRequest:
    """The request with limits that let vLLM schedule as many requests as are asked for."""
    asked = request.concurrency or 1
    if now.serving.max_num_seqs >= asked:
        return request
    batch = request.max_num_batched_tokens
    if now.serving.max_num_batched_tokens < asked:
        batch = asked
    return replace(request, max_num_seqs=asked, max_num_batched_tokens=batch)


def holds(now: Planned, request: EstimateRequest) -> bool:
    """Whether vLLM starts, and holds as many requests as are asked for."""
    return now.fits and held(now, asked_tokens(request, now)) >= (request.concurrency or 1)


def with_room(
    description: ModelDescription,
    weights: WeightFacts | None,
    request: EstimateRequest,
    now: Planned,
) -> tuple[EstimateRequest, Planned]:
    """The same with limits that let as many run as are asked for: they cost memory themselves.

    Raises:
        EstimateError: vLLM would refuse the settings.
    """
    ready = scheduled(request, now)
    return (request, now) if ready is request else (ready, planned(description, weights, ready))


def question(request: EstimateRequest, ready: EstimateRequest, then: Planned) -> Question | None:
    """What `--concurrency` asks, answered for the limits that it takes; None without it."""
    if request.concurrency is None:
        return None
    tokens = asked_tokens(request, then)
    blocks = request.concurrency * request_blocks(then.groups, then.serving, tokens)
    blocks += then.serving.rules.reserves_null_block
    is_known = then.pool_bytes is not None
    return Question(
        concurrency=request.concurrency,
        tokens=tokens,
        needed_bytes=blocks * then.plan.bytes_per_block,
        fits=holds(then, request) if is_known else None,
        pool_bytes=then.pool_bytes,
        at_once=held(then, tokens) if is_known else None,
        longest=longest_at_once(then, request.concurrency) if is_known else None,
        flags=flags_between(request, ready),
    )
