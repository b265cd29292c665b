"""Layers whose heads or sizes differ within one model: Gemma 3n and 4, MiMo, Laguna, Step."""

from __future__ import annotations

from collections.abc import Sequence

from mixvllm.models.config_keys import ConfigKeys
from mixvllm.models.description import CrossAttention, FullAttention, Layer, SharedCache
from mixvllm.models.layers.attention import (
    FULL,
    SLIDING,
    by_pattern,
    by_types,
    full_layer,
    head_size,
    kv_heads,
    window_of,
    windowed,
)


def gemma3n(keys: ConfigKeys) -> tuple[Layer, ...]:
    """Every fifth layer full; the last ones read the cache of earlier layers."""
    return _sharing(keys, by_types(keys, by_pattern(keys, 5)))


def gemma4(keys: ConfigKeys) -> tuple[Layer, ...]:
    """Full layers have heads of their own size, and of their own number where K equals V."""
    types = by_pattern(keys, 6)
    types = (*types[:-1], FULL)
    local = full_layer(keys)
    if keys.text("use_bidirectional_attention") == "all":
        raise keys.broken("use_bidirectional_attention", "is `all`: it is no decoder")
    size = keys.whole_or_none("global_head_dim") or 512
    own = keys.whole_or_none("num_global_key_value_heads")
    heads = own if own and keys.flag("attention_k_eq_v") else local.kv_heads
    kinds = {
        FULL: FullAttention(heads, size, size),
        SLIDING: windowed(local, window_of(keys)),
    }
    for name in set(types) - set(kinds):
        raise keys.broken("layer_types", f"has {name!r}, which is not known for Gemma 4")
    return _sharing(keys, [kinds[name] for name in types])


def mimo_v2(keys: ConfigKeys) -> tuple[Layer, ...]:
    """MiMo-V2: `hybrid_layer_pattern` marks windowed layers, with heads of their own."""
    count = keys.layer_count()
    size, heads = head_size(keys), kv_heads(keys)
    full = FullAttention(heads, size, keys.whole_or_none("v_head_dim") or size)
    local = FullAttention(
        keys.whole("swa_num_key_value_heads"),
        keys.whole("swa_head_dim"),
        keys.whole_or_none("swa_v_head_dim") or keys.whole("swa_head_dim"),
    )
    pattern = keys.per_layer_wholes("hybrid_layer_pattern", count)
    if pattern is None:
        raise keys.broken("hybrid_layer_pattern", "is missing")
    window = keys.whole_or_none("sliding_window_size") or window_of(keys)
    if window is None and any(pattern):
        raise keys.broken("sliding_window_size", "is missing")
    return tuple(windowed(local, window) if mark == 1 else full for mark in pattern)


def step3p5(keys: ConfigKeys) -> tuple[Layer, ...]:
    """Step 3.5 and 3.7: layers of the type in `attention_other_setting` have heads of their own."""
    count, full, window = keys.layer_count(), full_layer(keys), window_of(keys)
    types = keys.per_layer_texts("layer_types", count) or tuple(
        SLIDING if index % 2 == 0 else FULL for index in range(count)
    )
    other = keys.section("attention_other_setting")
    own: dict[str, FullAttention] = {}
    if other is not None:
        size = other.whole_or_none("head_dim") or full.key_size
        kv = other.whole_or_none("num_key_value_heads") or full.kv_heads
        own[other.text("attention_type") or ""] = FullAttention(kv, size, size)
    return tuple(
        windowed(own.get(name, full), window if name == SLIDING else None) for name in types
    )


def mllama(keys: ConfigKeys) -> tuple[Layer, ...]:
    """Llama 3.2 Vision: some layers attend to the picture's tokens in place of the text's."""
    count, full = keys.layer_count(), full_layer(keys)
    crossing = keys.wholes("cross_attention_layers")
    if crossing is None:
        raise keys.broken("cross_attention_layers", "is missing")
    cross = CrossAttention(
        full.kv_heads, full.key_size, full.value_size, keys.whole("encoder_tokens")
    )
    return tuple(cross if index in crossing else full for index in range(count))


def whisper(keys: ConfigKeys) -> tuple[Layer, ...]:
    """Whisper: every decoder layer has its own text and looks at the encoder's frames."""
    full = full_layer(keys)
    cross = CrossAttention(
        full.kv_heads, full.key_size, full.value_size, keys.whole("max_source_positions")
    )
    return (full, cross) * keys.layer_count()


def _sharing(keys: ConfigKeys, layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """The last `num_kv_shared_layers` have no cache of their own."""
    shared = keys.whole_or_none("num_kv_shared_layers", least=0) or 0
    if shared >= len(layers):
        raise keys.broken("num_kv_shared_layers", f"is {shared}, of {len(layers)} layers")
    return (*layers[: len(layers) - shared], *((SharedCache(),) * shared))
