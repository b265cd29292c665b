"""How the numbers come about: each term with its formula filled in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from mixvllm.memory.answer import Term
from mixvllm.memory.kv.compressed_latent import CompressedCache
from mixvllm.memory.kv.groups import Group
from mixvllm.memory.kv.layer_cache import CacheKind, TokenCache
from mixvllm.memory.kv.planned_cache import KvGroup, KvPlan
from mixvllm.memory.serving import ServingFacts, longest_request
from mixvllm.memory.weights import RankWeights


@dataclass(frozen=True)
class GrowingLayers:
    """Equal layers of a stage whose cache grows with each token.

    Attributes:
        kind: Their kind.
        count: How many.
        token_bytes: Bytes of one token in one of them, on one rank.
    """

    kind: str
    count: int
    token_bytes: int | Fraction


def growing_layers(
    groups: Sequence[Group], serving: ServingFacts, stage: int
) -> tuple[GrowingLayers, ...]:
    """The layers of a stage that need more for a token more than the longest request has.

    A window that is full needs no more; one that the request does not fill still grows.
    """
    counts: Counter[tuple[CacheKind, int | Fraction]] = Counter()
    for group in groups:
        for member in group.members:
            cache = member.cache
            if member.stage != stage or not isinstance(cache, TokenCache | CompressedCache):
                continue
            if _grows(cache, serving):
                counts[cache.kind, cache.token_bytes] += 1
    return tuple(GrowingLayers(kind, count, size) for (kind, size), count in counts.items())


def growing_by_stage(
    groups: Sequence[Group], serving: ServingFacts
) -> tuple[tuple[GrowingLayers, ...], ...]:
    """The same for every pipeline stage."""
    stages = range(serving.pipeline_parallel_size)
    return tuple(growing_layers(groups, serving, stage) for stage in stages)


def _grows(cache: TokenCache | CompressedCache, serving: ServingFacts) -> bool:
    length = serving.max_model_len
    more = cache.block_size * serving.decode_context_parallel_size
    now = cache.blocks_per_request(longest_request(serving, length))
    return cache.blocks_per_request(longest_request(serving, length + more)) > now


def explain(
    growing: Sequence[Sequence[GrowingLayers]],
    serving: ServingFacts,
    plan: KvPlan,
    weights: RankWeights | None,
    pool: int | None,
) -> tuple[Term, ...]:
    """The terms of one GPU, the most loaded, from a token up to the pool.

    `growing` has the layers of each pipeline stage that grow with the context.
    """
    return (
        _token_term(growing, serving),
        *_block_terms(plan),
        *_request_terms(plan, serving),
        *_weight_terms(weights),
        *_pool_terms(plan, pool),
    )


def _token_term(growing: Sequence[Sequence[GrowingLayers]], serving: ServingFacts) -> Term:
    layers = max(growing, key=lambda stage: sum(each.count * each.token_bytes for each in stage))
    shared = serving.decode_context_parallel_size
    formula = " + ".join(
        f"{each.count} {each.kind} layers x {_shown(each.token_bytes)}" for each in layers
    )
    size = int(-(-sum(each.count * each.token_bytes for each in layers) // shared))
    ranks = f", over {shared} ranks" if shared > 1 else ""
    return Term("one token", (formula or "no layer grows with the context") + ranks, size)


def _shown(size: int | Fraction) -> str:
    return f"{int(size):,}" if size == int(size) else f"{float(size):,.2f}"


def _block_terms(plan: KvPlan) -> list[Term]:
    terms = [
        Term(
            f"block of {group.kind}",
            f"{group.layers} layers, pages of {group.page_bytes:,}"
            + (f" stretched from {group.natural_page_bytes:,}" if _is_padded(group) else ""),
            group.bytes_per_block,
        )
        for group in plan.groups
    ]
    return [*dict.fromkeys(terms), Term("block of the pool", "the largest", plan.bytes_per_block)]


def _is_padded(group: KvGroup) -> bool:
    return group.page_bytes != group.natural_page_bytes


def _request_terms(plan: KvPlan, serving: ServingFacts) -> list[Term]:
    blocks = " + ".join(str(group.blocks_per_request) for group in plan.groups)
    null = serving.rules.reserves_null_block
    return [
        Term(
            f"one request of {serving.max_model_len:,} tokens",
            f"({blocks}) blocks x {plan.bytes_per_block:,}",
            plan.bytes_per_request,
        ),
        Term(
            "smallest pool",
            f"({plan.blocks_per_request} + {int(null)}) blocks x {plan.bytes_per_block:,}",
            plan.needed_bytes,
        ),
    ]


def _weight_terms(weights: RankWeights | None) -> list[Term]:
    if weights is None:
        return []
    parts = " + ".join(f"{group} {size:,}" for group, size in weights.groups.items())
    if weights.exactness == "by vLLM":
        parts = "the parameters of vLLM's own layers"
    return [
        Term("weights", parts or "the total over all GPUs", weights.total_bytes),
        Term(
            "tables beside the weights", "rotary, MLA's and experts' padding", weights.buffer_bytes
        ),
    ]


def _pool_terms(plan: KvPlan, pool: int | None) -> list[Term]:
    if pool is None:
        return []
    formula = f"{plan.num_blocks:,} blocks x {plan.bytes_per_block:,}, of {pool:,} given"
    return [Term("pool", formula, plan.num_blocks * plan.bytes_per_block)]
