"""Parameters of one layer's attention or state, by its kind."""

from __future__ import annotations

from mixvllm.models.config_keys import ConfigKeys
from mixvllm.models.description import (
    ChunkedLocal,
    CrossAttention,
    FullAttention,
    GatedDeltaNet,
    LatentAttention,
    Layer,
    LinearAttention,
    Mamba1,
    Mamba2,
    ShortConvolution,
    SlidingWindow,
)
from mixvllm.models.weights.traits import Traits, holds

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
    """Of a layer's attention what ranks copy when they outnumber the KV heads.

    The latent of MLA is one head for all: the way down to it and the indexer are copied on every
    rank, and so is the way down to the queries' own latent.
    """
    if isinstance(layer, LatentAttention):
        return _latent_down(keys) + _indexer(keys, layer.indexer_size)
    if isinstance(layer, FullAttention | SlidingWindow | ChunkedLocal | CrossAttention):
        width = layer.kv_heads * (layer.key_size + layer.value_size)
        return keys.whole("hidden_size") * width
    return 0


def latent_count(keys: ConfigKeys, indexer_size: int | None) -> int:
    """MLA: down to the latent and up again, the indexer of sparse attention with it."""
    hidden, heads = keys.whole("hidden_size"), keys.whole("num_attention_heads")
    latent, rope = keys.whole("kv_lora_rank"), keys.whole("qk_rope_head_dim")
    nope, value = keys.whole("qk_nope_head_dim"), keys.whole_or_none("v_head_dim")
    value = value or keys.whole("hidden_size") // heads
    query_rank = keys.whole_or_none("q_lora_rank")
    queries = heads * (nope + rope)
    count = hidden * queries
    if query_rank:
        count = query_rank * queries
    count += latent * heads * (nope + value) + heads * value * hidden
    return count + _latent_down(keys) + _indexer(keys, indexer_size)


def _latent_down(keys: ConfigKeys) -> int:
    """From the hidden state to the latents of keys and queries, with their norms."""
    hidden, rank = keys.whole("hidden_size"), keys.whole_or_none("q_lora_rank") or 0
    latent, rope = keys.whole("kv_lora_rank"), keys.whole("qk_rope_head_dim")
    return hidden * (latent + rope) + latent + (hidden + 1) * rank


def _indexer(keys: ConfigKeys, size: int | None) -> int:
    """The indexer of sparse attention: its queries, its key with a norm, its heads' weights."""
    if size is None:
        return 0
    hidden, heads = keys.whole("hidden_size"), keys.whole("index_n_heads")
    count = (keys.whole_or_none("q_lora_rank") or hidden) * heads * size
    return count + hidden * (size + heads) + 2 * size


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
