"""Parameters of one layer's attention or state, by its kind."""

from __future__ import annotations

from mixvllm.models.config_keys import ConfigKeys
from mixvllm.models.description import (
    BlockSparse,
    ChunkedLocal,
    CompressedLatent,
    CrossAttention,
    FullAttention,
    GatedDeltaNet,
    Layer,
    LinearAttention,
    Mamba1,
    Mamba2,
    ShortConvolution,
    SlidingWindow,
)
from mixvllm.models.weights.traits import Traits, holds

# DeepSeek-V4's compression whose groups overlap.
OVERLAPPING_RATIO = 4
WithHeads = FullAttention | SlidingWindow | ChunkedLocal | CrossAttention


def attention_count(keys: ConfigKeys, traits: Traits, layer: WithHeads, heads: int) -> int:
    """Projections to queries, keys and values and back, with their biases and norms."""
    hidden = keys.whole("hidden_size")
    queries = heads * layer.key_size * (2 if traits.query_gate else 1)
    keys_values = layer.kv_heads * (layer.key_size + layer.value_size)
    count = hidden * (queries + keys_values + heads * layer.value_size)
    if holds(keys, traits.qkv_bias):
        count += queries + keys_values
    if holds(keys, traits.out_bias):
        count += hidden
    if traits.qk_norm == "head":
        count += 2 * layer.key_size
    elif traits.qk_norm == "all":
        count += (heads + layer.kv_heads) * layer.key_size
    return count


def kv_projection_count(keys: ConfigKeys, layer: Layer) -> int:
    """Of a layer's attention what ranks copy when they outnumber the KV heads."""
    if isinstance(layer, FullAttention | SlidingWindow | ChunkedLocal | CrossAttention):
        width = layer.kv_heads * (layer.key_size + layer.value_size)
        if isinstance(layer, BlockSparse):
            width += index_query_width(keys, layer)
        return keys.whole("hidden_size") * width
    return 0


def index_query_width(keys: ConfigKeys, layer: BlockSparse) -> int:
    """Elements of the queries to the index keys (MiniMax-M3)."""
    sparse = keys.section("sparse_attention_config")
    heads = sparse.whole_or_none("sparse_num_index_heads") if sparse is not None else None
    return (heads or layer.kv_heads) * layer.index_size


def compressed_count(keys: ConfigKeys, layer: CompressedLatent) -> int:
    """DeepSeek-V4, what is divided with the heads: up from the latent queries, and the way out."""
    heads, out = keys.whole("num_attention_heads"), keys.whole("o_lora_rank")
    up = keys.whole("q_lora_rank") * heads * layer.size
    way_out = heads * layer.size * out + layer.output_groups * out * keys.whole("hidden_size")
    return up + way_out + heads


def shared_compressed_count(keys: ConfigKeys, layer: CompressedLatent) -> int:
    """DeepSeek-V4, matrices that all heads share: down to queries and vectors, and the indexer."""
    hidden, rank = keys.whole("hidden_size"), keys.whole("q_lora_rank")
    count = hidden * (rank + layer.size)
    if layer.indexer_size is not None:
        count += rank * keys.whole("index_n_heads") * layer.indexer_size
    return count


def unquantized_compressed_count(keys: ConfigKeys, layer: CompressedLatent) -> int:
    """DeepSeek-V4, what no checkpoint quantizes: compressors, norms, and the streams' mixing.

    A compressor has a vector and a score for each of its groups, which are two where they overlap.
    """
    hidden, groups = keys.whole("hidden_size"), 1 + (layer.ratio == OVERLAPPING_RATIO)
    streams = keys.whole_or_none("hc_mult") or 1
    mixing = 2 * (2 + streams) * streams * (streams * hidden + 1)
    count = mixing + keys.whole("q_lora_rank") + layer.size
    for size in (layer.size, layer.indexer_size):
        if layer.ratio > 1 and size is not None:
            count += 2 * groups * size * hidden + layer.ratio * groups * size + size
    if layer.indexer_size is not None:
        count += hidden * keys.whole("index_n_heads")
    return count


def latent_count(keys: ConfigKeys) -> int:
    """MLA, what each head has of its own: up from the latent vectors, and back out."""
    hidden, heads = keys.whole("hidden_size"), keys.whole("num_attention_heads")
    nope, value = keys.whole("qk_nope_head_dim"), keys.whole_or_none("v_head_dim")
    value = value or hidden // heads
    queries = heads * (nope + _rope_size(keys))
    up = (keys.whole_or_none("q_lora_rank") or hidden) * queries
    return up + keys.whole("kv_lora_rank") * heads * (nope + value) + heads * value * hidden


def shared_latent_count(keys: ConfigKeys, indexer_size: int | None) -> int:
    """MLA, what all heads share: down to the latent vectors, and the indexer."""
    hidden, latent = keys.whole("hidden_size"), keys.whole("kv_lora_rank")
    count = hidden * (latent + _rope_size(keys)) + latent
    query_rank = keys.whole_or_none("q_lora_rank")
    if query_rank:
        count += hidden * query_rank + query_rank
    if indexer_size is not None:
        index_heads = keys.whole("index_n_heads")
        count += (query_rank or hidden) * index_heads * indexer_size
        count += hidden * (indexer_size + index_heads) + 2 * indexer_size
    return count


def _rope_size(keys: ConfigKeys) -> int:
    return keys.whole_or_none("qk_rope_head_dim", least=0) or 0


def state_count(keys: ConfigKeys, architecture: str, layer: Layer) -> int | None:
    """Parameters of a layer with a recurrent state; None for a kind without a formula here."""
    hidden = keys.whole("hidden_size")
    match layer:
        case Mamba1():
            return _mamba1(keys, architecture, layer)
        case Mamba2():
            return _mamba2(keys, architecture, layer)
        case GatedDeltaNet():
            keys_width = layer.key_heads * layer.key_size
            values_width = layer.value_heads * layer.value_size
            projections = hidden * (2 * keys_width + 3 * values_width + 2 * layer.value_heads)
            convolution = (2 * keys_width + values_width) * layer.conv_kernel
            return projections + convolution + 2 * layer.value_heads + layer.value_size
        case LinearAttention():
            width = layer.heads * layer.head_size
            return 5 * hidden * width + width
        case ShortConvolution():
            return 4 * hidden * layer.size + layer.size * layer.conv_kernel
        case _:
            return None


def _mamba1(keys: ConfigKeys, architecture: str, layer: Mamba1) -> int:
    hidden, inner, state = keys.whole("hidden_size"), layer.inner_size, layer.state_size
    rank = (
        keys.whole_or_none("mamba_dt_rank")
        or keys.whole_or_none("time_step_rank")
        or -(-hidden // 16)
    )
    count = 3 * hidden * inner + inner * (layer.conv_kernel + 1)
    count += inner * (rank + 2 * state) + inner * (rank + 1) + inner * (state + 1)
    return count + (rank + 2 * state if architecture == "JambaForCausalLM" else 0)


def _mamba2(keys: ConfigKeys, architecture: str, layer: Mamba2) -> int:
    hidden, inner = keys.whole("hidden_size"), layer.heads * layer.head_size
    mixed = inner + 2 * layer.groups * layer.state_size
    count = hidden * (inner + mixed + layer.heads) + inner * hidden
    count += mixed * (layer.conv_kernel + 1) + 3 * layer.heads
    has_norm = architecture != "FalconH1ForCausalLM" or keys.flag("mamba_rms_norm")
    return count + (inner if has_norm else 0)
