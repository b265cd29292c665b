"""What a pool of blocks holds: requests, tokens, and the longest context."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mixvllm.errors import EstimateError
from mixvllm.memory.kv.groups import Group
from mixvllm.memory.kv.planned_cache import KvRank
from mixvllm.memory.serving import ServingFacts, longest_request


def plan_ranks(
    groups: Sequence[Group], serving: ServingFacts, available_bytes: int | Sequence[int]
) -> tuple[KvRank, ...]:
    """The pool of each pipeline stage.

    A block is as large as the group with the most bytes on the stage; a stage without any layer
    of a cache bounds nothing.

    Raises:
        EstimateError: there is not one number of bytes for each stage.
    """
    stages = serving.pipeline_parallel_size
    if isinstance(available_bytes, int):
        available_bytes = [available_bytes] * stages
    if len(available_bytes) != stages:
        raise EstimateError(f"{len(available_bytes)} pools were given for {stages} stages.")
    ranks = []
    for stage, available in enumerate(available_bytes):
        per_block = max(group.bytes_per_block(stage) for group in groups)
        if per_block:
            layers = sum(m.stage == stage for group in groups for m in group.members)
            ranks.append(KvRank(layers, per_block, available, max(0, available) // per_block))
    return tuple(ranks)


def request_blocks(groups: Sequence[Group], serving: ServingFacts, length: int) -> int:
    """Blocks of one request: each group has its own table, all draw from one pool."""
    request = longest_request(serving, length)
    return sum(group.blocks_per_request(request) for group in groups)


def starts_with(
    groups: Sequence[Group],
    serving: ServingFacts,
    ranks: Sequence[KvRank],
    length: int,
    *,
    requests: int = 1,
) -> bool:
    """Whether requests of this length, and the block that is never lent, fit on every rank.

    vLLM asks this of one request; of several it is what holds them together without preempting.
    """
    needed = requests * request_blocks(groups, serving, length)
    needed += serving.rules.reserves_null_block
    return all(needed * rank.bytes_per_block <= rank.available_bytes for rank in ranks)


def printed_tokens(
    groups: Sequence[Group], serving: ServingFacts, num_blocks: int, concurrency: float
) -> int:
    """The number of tokens in vLLM's start-up line.

    Since 0.20.2 `int(concurrency x length)`, in floating point as vLLM does it; before, the
    blocks that each group may have times the smallest block.
    """
    if serving.rules.tokens_from_concurrency:
        return int(concurrency * serving.max_model_len)
    smallest = min(group.first.block_size for group in groups)
    return num_blocks // len(groups) * smallest * serving.decode_context_parallel_size


def longest(fits: Callable[[int], bool], bound: int) -> int:
    """The longest length up to `bound` that fits, by vLLM's bisection; 0 if none does."""
    if not fits(1):
        return 0
    low, high = 1, bound
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle):
            low = middle
        else:
            high = middle - 1
    return low
