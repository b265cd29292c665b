"""Layers of plain attention: full, windowed by one key, or mixed by `layer_types`."""

from __future__ import annotations

from mixvllm.errors import ModelError
from mixvllm.models.config_keys import ConfigKeys
from mixvllm.models.description import ChunkedLocal, FullAttention, Layer, NoCache, SlidingWindow

FULL = "full_attention"
SLIDING = "sliding_attention"


def full_layer(keys: ConfigKeys) -> FullAttention:
    """One layer of full attention by the usual keys."""
    size = head_size(keys)
    return FullAttention(kv_heads(keys), size, size)


def kv_heads(keys: ConfigKeys) -> int:
    """Heads of keys and values; as many as query heads where no key says otherwise."""
    heads = keys.whole("num_attention_heads")
    kv = keys.whole_or_none("num_key_value_heads") or heads
    if heads % kv:
        raise keys.broken("num_key_value_heads", f"is {kv}, which does not divide {heads} heads")
    return kv


def head_size(keys: ConfigKeys) -> int:
    """Elements of one head; a `head_dim` of 0 counts as absent, as in vLLM."""
    size = keys.whole_or_none("head_dim", least=0)
    if size:
        return size
    hidden, heads = keys.whole("hidden_size"), keys.whole("num_attention_heads")
    if hidden < heads:
        raise keys.broken("hidden_size", f"is {hidden}, less than its {heads} heads")
    return hidden // heads


def window_of(keys: ConfigKeys) -> int | None:
    """The window in tokens; 0 and null mean that there is none."""
    return keys.whole_or_none("sliding_window", least=0, most=1 << 31) or None


def windowed(layer: FullAttention, window: int | None) -> Layer:
    """The layer behind a window, or itself without one."""
    if window is None:
        return layer
    return SlidingWindow(layer.kv_heads, layer.key_size, layer.value_size, window)


def uniform(keys: ConfigKeys) -> tuple[Layer, ...]:
    """All layers alike: vLLM puts a `sliding_window` of the config on every one of them."""
    types = keys.texts("layer_types")
    if types and len(set(types)) > 1:
        raise ModelError(
            f"`{keys.path}layer_types` mixes {', '.join(sorted(set(types)))}, and how vLLM serves "
            "that for this architecture is not known here.",
            code="model-unknown-kind",
        )
    window = None if types and types[0] == FULL else window_of(keys)
    return (windowed(full_layer(keys), window),) * keys.layer_count()


def optionally_windowed(keys: ConfigKeys) -> tuple[Layer, ...]:
    """Qwen: a window counts under `use_sliding_window`, for the layers from `max_window_layers`."""
    count = keys.layer_count()
    if not keys.flag("use_sliding_window") or window_of(keys) is None:
        return (full_layer(keys),) * count
    first = keys.whole_or_none("max_window_layers", least=0)
    types = keys.per_layer_texts("layer_types", count) or tuple(
        SLIDING if index >= (first or 0) else FULL for index in range(count)
    )
    if len(set(types)) > 1:
        raise ModelError(
            "The model has a sliding window on some of its layers (`use_sliding_window` with "
            f"`max_window_layers` {first}), which vLLM refuses for this architecture.",
            code="model-unknown-kind",
        )
    return (windowed(full_layer(keys), window_of(keys) if types[0] == SLIDING else None),) * count


def mixed(keys: ConfigKeys) -> tuple[Layer, ...]:
    """Each layer by its entry in `layer_types`; without that key all alike."""
    types = keys.per_layer_texts("layer_types", keys.layer_count())
    return uniform(keys) if types is None else by_types(keys, types)


def by_types(
    keys: ConfigKeys, types: tuple[str, ...], *, extra_window: int = 0
) -> tuple[Layer, ...]:
    """Full and windowed layers as `types` names them."""
    full, window = full_layer(keys), window_of(keys)
    if SLIDING in types and window is None:
        raise keys.broken("sliding_window", "is missing, though `layer_types` has such layers")
    kinds = {FULL: full, SLIDING: windowed(full, (window or 0) + extra_window)}
    return tuple(_known(keys, kinds, name) for name in types)


def by_pattern(keys: ConfigKeys, default_pattern: int) -> tuple[str, ...]:
    """The types of layers where every n-th is full and the others have a window."""
    count = keys.layer_count()
    if types := keys.per_layer_texts("layer_types", count):
        return types
    every = keys.whole_or_none("sliding_window_pattern") or default_pattern
    return tuple(FULL if (index + 1) % every == 0 else SLIDING for index in range(count))


def every_second_windowed(keys: ConfigKeys) -> tuple[Layer, ...]:
    """gpt-oss: the even layers have the window, whatever `layer_types` says."""
    types = tuple(SLIDING if index % 2 == 0 else FULL for index in range(keys.layer_count()))
    return by_types(keys, types)


def gemma2(keys: ConfigKeys) -> tuple[Layer, ...]:
    """Every second layer full."""
    return by_types(keys, by_pattern(keys, 2))


def gemma3(keys: ConfigKeys) -> tuple[Layer, ...]:
    """Every sixth layer full."""
    return by_types(keys, by_pattern(keys, 6))


def every_fourth_full(keys: ConfigKeys) -> tuple[Layer, ...]:
    """OLMo 3, Exaone 4: three windowed layers, then a full one; none windowed without a window."""
    if window_of(keys) is None:
        return (full_layer(keys),) * keys.layer_count()
    return by_types(keys, by_pattern(keys, 4))


def cohere2(keys: ConfigKeys) -> tuple[Layer, ...]:
    """Command-R7B, Command-A: a token sees the window before it and itself, so one more."""
    if window_of(keys) is None:
        return (full_layer(keys),) * keys.layer_count()
    return by_types(keys, by_pattern(keys, 4), extra_window=1)


def llama4(keys: ConfigKeys) -> tuple[Layer, ...]:
    """Llama 4: layers with RoPE see their chunk, those without (by default every fourth) all."""
    count, full = keys.layer_count(), full_layer(keys)
    with_rope = keys.wholes("no_rope_layers")
    if with_rope:
        with_rope = keys.per_layer_wholes("no_rope_layers", count) or ()
    else:
        every = keys.whole_or_none("no_rope_layer_interval") or 4
        with_rope = tuple(int((index + 1) % every != 0) for index in range(count))
    chunk = keys.whole_or_none("attention_chunk_size", least=0)
    if not chunk:
        return (full,) * count
    local = ChunkedLocal(full.kv_heads, full.key_size, full.value_size, chunk)
    return tuple(local if rope else full for rope in with_rope)


def falcon(keys: ConfigKeys) -> tuple[Layer, ...]:
    """Falcon: `multi_query` is one head of keys and values, save in the new architecture."""
    full = full_layer(keys)
    if keys.flag("multi_query") and not keys.flag("new_decoder_architecture"):
        full = FullAttention(1, full.key_size, full.value_size)
    return (full,) * keys.layer_count()


def gpt_bigcode(keys: ConfigKeys) -> tuple[Layer, ...]:
    """StarCoder 1: one head of keys and values unless `multi_query` is off."""
    full = full_layer(keys)
    if keys.get("multi_query") is None or keys.flag("multi_query"):
        full = FullAttention(1, full.key_size, full.value_size)
    return (full,) * keys.layer_count()


def chatglm(keys: ConfigKeys) -> tuple[Layer, ...]:
    """ChatGLM: `multi_query_group_num` counts only under `multi_query_attention`."""
    full = full_layer(keys)
    if not keys.flag("multi_query_attention"):
        full = FullAttention(keys.whole("num_attention_heads"), full.key_size, full.value_size)
    return (full,) * keys.layer_count()


def dbrx(keys: ConfigKeys) -> tuple[Layer, ...]:
    """DBRX keeps its heads of keys and values in `attn_config`."""
    attention = keys.section("attn_config")
    kv = attention.whole_or_none("kv_n_heads") if attention else None
    size = head_size(keys)
    layer = FullAttention(kv or keys.whole("num_attention_heads"), size, size)
    return (layer,) * keys.layer_count()


def nemotron_nas(keys: ConfigKeys) -> tuple[Layer, ...]:
    """Nemotron out of a search: each block has its own heads, or no attention at all."""
    count, heads, size = (
        keys.layer_count(),
        keys.whole("num_attention_heads"),
        head_size(keys),
    )
    blocks = keys.sections("block_configs")
    if blocks is None or len(blocks) < count:
        raise keys.broken("block_configs", f"does not have an entry for each of {count} layers")
    return tuple(_nas_layer(block, heads, size) for block in blocks[:count])


def _nas_layer(block: ConfigKeys, heads: int, size: int) -> Layer:
    attention = block.section("attention")
    if attention is None:
        raise block.broken("attention", "is missing")
    if attention.flag("no_op") or attention.flag("replace_with_linear"):
        return NoCache()
    if attention.whole_or_none("window_length"):
        raise ModelError(
            f"`{attention.path}window_length`: how vLLM serves it is not known here.",
            code="model-unknown-kind",
        )
    group = attention.whole("n_heads_in_group")
    if heads % group:
        raise attention.broken("n_heads_in_group", f"is {group}, which does not divide {heads}")
    return FullAttention(heads // group, size, size)


def _known(keys: ConfigKeys, kinds: dict[str, Layer], name: str) -> Layer:
    if name not in kinds:
        raise ModelError(
            f"`{keys.path}layer_types` has {name!r}, a kind of layer that is not known here for "
            "this architecture.",
            code="model-unknown-kind",
        )
    return kinds[name]
