"""The one call: from a model, its settings and bytes to what vLLM's planner decides."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from mixvllm.errors import EstimateError
from mixvllm.memory.kv.blocks import block_sizes, resolved_dtype
from mixvllm.memory.kv.groups import Group, Member, form_groups
from mixvllm.memory.kv.layers import check_heads, stage_caches
from mixvllm.memory.kv.packing import packed_groups
from mixvllm.memory.kv.pages import are_one_group
from mixvllm.memory.kv.planned_cache import KvGroup, KvPlan
from mixvllm.memory.kv.pool import (
    longest,
    plan_ranks,
    printed_tokens,
    request_blocks,
    starts_with,
)
from mixvllm.memory.kv.recurrent_state import StateCache
from mixvllm.memory.serving import ServingFacts, longest_request
from mixvllm.models.description import (
    BlockSparse,
    ChunkedLocal,
    CompressedLatent,
    ModelDescription,
)


def plan_kv_cache(
    description: ModelDescription, serving: ServingFacts, available_bytes: int | Sequence[int]
) -> KvPlan:
    """Plan the KV cache as vLLM does.

    Args:
        description: The model.
        serving: How it is served.
        available_bytes: Bytes for the cache on one rank, or one number for each stage.

    Raises:
        EstimateError: a kind, format or combination that vLLM refuses or that is not modelled.
    """
    dtype = resolved_dtype(description, serving)
    groups = model_groups(description, serving, dtype)
    return plan_groups(groups, description, serving, available_bytes, dtype)


def plan_groups(
    groups: Sequence[Group],
    description: ModelDescription,
    serving: ServingFacts,
    available_bytes: int | Sequence[int],
    dtype: str,
) -> KvPlan:
    """The plan of a model's groups, which hold for pools of any size.

    Raises:
        EstimateError: there is not one number of bytes for each stage.
    """
    ranks = plan_ranks(groups, serving, available_bytes)
    per_block = max(rank.bytes_per_block for rank in ranks)
    num_blocks = min(rank.num_blocks for rank in ranks)
    per_request = request_blocks(groups, serving, serving.max_model_len)
    concurrency = num_blocks / per_request
    null_block = int(serving.rules.reserves_null_block)
    fits = partial(starts_with, groups, serving, ranks)
    bound = max(serving.max_model_len, description.context_length or 0)
    return KvPlan(
        dtype=dtype,
        block_size=min(group.first.block_size for group in groups),
        groups=tuple(described(group, serving) for group in groups),
        ranks=ranks,
        bytes_per_block=per_block,
        num_blocks=num_blocks,
        blocks_per_request=per_request,
        bytes_per_request=per_request * per_block,
        needed_bytes=(per_request + null_block) * per_block,
        max_concurrency=concurrency,
        tokens=printed_tokens(groups, serving, num_blocks, concurrency),
        fits=fits(serving.max_model_len),
        max_model_len_that_fits=longest(fits, bound),
        warnings=warnings(serving, num_blocks, has_states=has_states(groups)),
    )


def model_groups(description: ModelDescription, serving: ServingFacts, dtype: str) -> list[Group]:
    """The model's groups over all stages.

    Raises:
        EstimateError: vLLM could not plan it, or it keeps no cache at all.
    """
    check_heads(description, serving)
    check_established(description, serving)
    sizes = block_sizes(description, serving, dtype)
    stages = stage_caches(description, serving, sizes, dtype)
    members = [Member(stage, cache) for stage, caches in enumerate(stages) for cache in caches]
    if not members:
        raise EstimateError(f"{description.architecture} keeps no KV cache.")
    hybrid_manager = serving.hybrid_manager
    if hybrid_manager is None:
        chunked = any(isinstance(layer, ChunkedLocal) for layer in description.layers)
        allowed = serving.rules.windows_in_chunks and not serving.draft_layers
        hybrid_manager = allowed or not chunked
    caches = [member.cache for member in members]
    pages = {cache.page_bytes for cache in caches}
    if packs_pages(description) and len(pages) > 1 and not are_one_group(caches):
        return packed_groups(members)
    return form_groups(members, serving.rules, hybrid_manager=hybrid_manager)


def packs_pages(description: ModelDescription) -> bool:
    """Whether vLLM puts the pages of unlike layers side by side (a block-outermost layout)."""
    return any(isinstance(layer, CompressedLatent) for layer in description.layers)


def lacks_packing(description: ModelDescription) -> bool:
    """Whether no layer asks for the layout that compressed layers need: indexers alone do."""
    layers = [layer for layer in description.layers if isinstance(layer, CompressedLatent)]
    compress = any(layer.ratio > 1 for layer in layers)
    return compress and all(layer.indexer_size is None for layer in layers)


def check_established(description: ModelDescription, serving: ServingFacts) -> None:
    """Refuse what has not been established for layers that read a chosen part of the context.

    Raises:
        EstimateError: names it.
    """
    if not any(isinstance(layer, BlockSparse | CompressedLatent) for layer in description.layers):
        return
    if not serving.rules.sparse_layers:
        raise EstimateError(
            f"The caches of {description.architecture} are modelled for vLLM 0.32 and later, not "
            f"for {serving.rules.name}."
        )
    if lacks_packing(description):
        raise EstimateError(
            f"{description.architecture} with compressed layers and no indexer among them has no "
            "layout in vLLM that its pages fit in."
        )
    if packs_pages(description) and serving.hybrid_manager is False:
        raise EstimateError(
            f"{description.architecture} without the hybrid KV-cache manager is not modelled.",
            hint="Leave --disable-hybrid-kv-cache-manager out.",
        )


def has_states(groups: Sequence[Group]) -> bool:
    """Whether any layer keeps a recurrent state."""
    return any(isinstance(member.cache, StateCache) for g in groups for member in g.members)


def warnings(serving: ServingFacts, num_blocks: int, *, has_states: bool) -> tuple[str, ...]:
    """What vLLM refuses after the plan: each running sequence needs a block for its state."""
    captures = serving.full_cuda_graphs and serving.platform == "cuda"
    if not (captures and has_states and serving.max_num_seqs > num_blocks):
        return ()
    return (
        f"max_num_seqs ({serving.max_num_seqs}) exceeds the {num_blocks} blocks for recurrent "
        "states: vLLM will refuse to capture its CUDA graphs. Set --max-num-seqs to at most "
        f"{num_blocks}.",
    )


def described(group: Group, serving: ServingFacts) -> KvGroup:
    """A group for the reader."""
    stages = range(serving.pipeline_parallel_size)
    widest = max((member.cache for member in group.members), key=lambda cache: cache.page_bytes)
    request = longest_request(serving, serving.max_model_len)
    return KvGroup(
        kind=group.first.kind,
        layers=len(group.members),
        block_size=group.first.block_size,
        page_bytes=widest.page_bytes,
        natural_page_bytes=widest.natural_page_bytes,
        bytes_per_block=max(group.bytes_per_block(stage) for stage in stages),
        blocks_per_request=group.blocks_per_request(request),
        padding_layers=group.padding_layers,
    )
