"""One pool of blocks for unlike layers: their pages are made equal, or windows are given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mixvllm.errors import EstimateError
from mixvllm.memory.kv.chunked_local import ChunkedLocalCache
from mixvllm.memory.kv.full_attention import FullAttentionCache
from mixvllm.memory.kv.latent_attention import IndexCache, LatentCache
from mixvllm.memory.kv.layer_cache import LayerCache
from mixvllm.memory.kv.recurrent_state import StateCache
from mixvllm.memory.kv.sliding_window import SlidingWindowCache
from mixvllm.memory.rules import Rules


def are_one_group(caches: Sequence[LayerCache]) -> bool:
    """Whether one block table serves all layers: same kind of need, same block size."""
    return len({(cache.family, cache.block_size) for cache in caches}) == 1


def with_equal_pages(caches: Sequence[LayerCache], rules: Rules) -> list[LayerCache] | None:
    """The layers with pages of the largest one's size; None where an MLA page does not fit.

    A smaller page that divides the largest gets more tokens in a block; one that does not is
    padded. A state is always padded. MLA kernels take no padding.

    Raises:
        EstimateError: a page must be padded and the release could not.
    """
    largest = max(cache.page_bytes for cache in caches)
    equal: list[LayerCache] = []
    for cache in caches:
        if cache.page_bytes == largest:
            equal.append(cache)
        elif isinstance(cache, StateCache):
            equal.append(cache.padded(largest))
        elif largest % cache.page_bytes == 0:
            times = largest // cache.page_bytes
            equal.append(replace(cache, block_size=cache.block_size * times))
        elif isinstance(cache, LatentCache | IndexCache):
            return None
        elif not rules.pads_attention_pages:
            raise EstimateError(
                f"vLLM {rules.name} cannot share blocks between pages of {cache.page_bytes} and "
                f"{largest} bytes."
            )
        else:
            equal.append(cache.padded(largest))
    return equal


def without_windows(caches: Sequence[LayerCache]) -> list[LayerCache]:
    """Windows and chunks as full attention, where there is full attention beside them.

    So vLLM plans when its hybrid manager is off: every token is kept, though only the window's
    are read.

    Raises:
        EstimateError: vLLM cannot serve such a model without the manager.
    """
    if are_one_group(caches):
        return list(caches)
    full = [cache for cache in caches if isinstance(cache, FullAttentionCache | LatentCache)]
    windows = {
        cache.window if isinstance(cache, SlidingWindowCache) else cache.chunk
        for cache in caches
        if isinstance(cache, SlidingWindowCache | ChunkedLocalCache)
    }
    if not full or any(isinstance(cache, StateCache) for cache in caches) or len(windows) > 1:
        raise EstimateError(
            "vLLM cannot serve this mixture of layers with its hybrid KV-cache manager off.",
            hint="Leave --disable-hybrid-kv-cache-manager out.",
        )
    sizes = {cache.block_size for cache in full}
    common = sizes.pop() if len(sizes) == 1 else None
    return [as_full(cache, common) for cache in caches]


def as_full(cache: LayerCache, block_size: int | None) -> LayerCache:
    """One layer that keeps every token, in blocks of the full layers."""
    if not isinstance(cache, SlidingWindowCache | ChunkedLocalCache):
        return cache
    return FullAttentionCache(block_size=block_size or cache.block_size, heads=cache.heads)
