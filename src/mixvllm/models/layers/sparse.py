"""Layers that read a chosen part of a long context: MiniMax-M3, DeepSeek-V4."""

from __future__ import annotations

from mixvllm.models.config_keys import ConfigKeys
from mixvllm.models.description import BlockSparse, CompressedLatent, Layer
from mixvllm.models.layers.attention import full_layer, window_of

# Ratios of compression that vLLM has kernels for; 0 in a config is none.
RATIOS = (1, 4, 128)
INDEXED_RATIO = 4


def minimax_m3(keys: ConfigKeys) -> tuple[Layer, ...]:
    """MiniMax-M3: the layers that `sparse_attention_freq` marks have an index key beside them."""
    count, full = keys.layer_count(), full_layer(keys)
    sparse = keys.section("sparse_attention_config")
    if sparse is None or not sparse.flag("use_sparse_attention"):
        return (full,) * count
    marks = sparse.per_layer_wholes("sparse_attention_freq", count)
    if marks is None:
        raise sparse.broken("sparse_attention_freq", "is missing")
    chosen = BlockSparse(
        full.kv_heads,
        full.key_size,
        full.value_size,
        sparse.whole("sparse_index_dim"),
        sparse.whole("sparse_block_size"),
    )
    return tuple(chosen if mark else full for mark in marks)


def deepseek_v4(keys: ConfigKeys) -> tuple[Layer, ...]:
    """DeepSeek-V4: a window on every layer, and before it one vector for 4 or 128 tokens."""
    count, window = keys.layer_count(), window_of(keys)
    ratios = keys.per_layer_wholes("compress_ratios", count)
    if ratios is None:
        raise keys.broken("compress_ratios", "is missing")
    if window is None:
        raise keys.broken("sliding_window", "is missing")
    size, groups = keys.whole("head_dim"), keys.whole("o_groups")
    indexer = keys.whole("index_head_dim")
    kinds = {
        ratio: CompressedLatent(
            size, window, ratio, groups, indexer if ratio == INDEXED_RATIO else None
        )
        for ratio in RATIOS
    }
    for ratio in set(ratios) - {0, *RATIOS}:
        raise keys.broken("compress_ratios", f"has {ratio}, which no kernel of vLLM compresses by")
    return tuple(kinds[max(1, ratio)] for ratio in ratios)
