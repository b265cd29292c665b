"""Layers of models that mix attention with a recurrent state."""

from __future__ import annotations

from mixvllm.models.config_keys import ConfigKeys
from mixvllm.models.description import (
    GatedDeltaNet,
    KimiDelta,
    Layer,
    LinearAttention,
    Mamba1,
    Mamba2,
    NoCache,
    ShortConvolution,
    StateDtype,
)
from mixvllm.models.layers.attention import FULL, full_layer, head_size
from mixvllm.models.layers.latent import latent_layer

LINEAR = "linear_attention"


def jamba(keys: ConfigKeys) -> tuple[Layer, ...]:
    """Jamba: attention every `attn_layer_period` layers, Mamba between."""
    every = keys.whole("attn_layer_period")
    offset = keys.whole("attn_layer_offset", least=0)
    mamba = Mamba1(
        keys.whole("mamba_expand") * keys.whole("hidden_size"),
        keys.whole("mamba_d_state"),
        keys.whole("mamba_d_conv"),
    )
    attention = full_layer(keys)
    return tuple(
        attention if index % every == offset else mamba for index in range(keys.layer_count())
    )


def pure_mamba1(keys: ConfigKeys) -> tuple[Layer, ...]:
    """Mamba and FalconMamba: no attention."""
    inner = keys.whole_or_none("intermediate_size") or keys.whole("expand") * keys.whole(
        "hidden_size"
    )
    return (Mamba1(inner, keys.whole("state_size"), keys.whole("conv_kernel")),) * (
        keys.layer_count()
    )


def pure_mamba2(keys: ConfigKeys) -> tuple[Layer, ...]:
    """Mamba 2 and Codestral Mamba: no attention."""
    size = keys.whole("head_dim")
    heads = keys.whole_or_none("num_heads") or (
        keys.whole("expand") * keys.whole("hidden_size") // size
    )
    state = Mamba2(
        heads,
        size,
        keys.whole("n_groups"),
        keys.whole("state_size"),
        keys.whole("conv_kernel"),
    )
    return (state,) * keys.layer_count()


def nemotron_h(keys: ConfigKeys) -> tuple[Layer, ...]:
    """Nemotron-H and Nemotron 3: a letter a layer, M state, * attention, - and E none."""
    count = keys.layer_count()
    state = Mamba2(
        keys.whole("mamba_num_heads"),
        keys.whole("mamba_head_dim"),
        keys.whole("n_groups"),
        keys.whole("ssm_state_size"),
        keys.whole("conv_kernel"),
        _dtype(keys, "mamba_ssm_cache_dtype", absent="float32"),
    )
    attention = full_layer(keys)
    kinds: dict[str, Layer] = {"M": state, "*": attention, "-": NoCache(), "E": NoCache()}
    names = {LINEAR: "M", "mamba": "M", FULL: "*", "attention": "*", "mlp": "-", "moe": "E"}
    pattern: tuple[str, ...] = tuple(keys.text("hybrid_override_pattern") or "")
    if not pattern:
        types = keys.texts("layers_block_type") or keys.texts("layer_types") or ()
        pattern = tuple(names.get(name, name) for name in types)
    if len(pattern) != count or set(pattern) - set(kinds):
        raise keys.broken(
            "hybrid_override_pattern", f"does not name the kind of each of {count} layers"
        )
    return tuple(kinds[letter] for letter in pattern)


def granite_hybrid(keys: ConfigKeys) -> tuple[Layer, ...]:
    """Granite 4: `layer_types` of mamba and attention."""
    state, attention = _mamba2(keys), full_layer(keys)
    return _by_types(
        keys,
        keys.per_layer_texts("layer_types", keys.layer_count()),
        {"mamba": state, LINEAR: state, "attention": attention, FULL: attention},
    )


def bamba(keys: ConfigKeys) -> tuple[Layer, ...]:
    """Bamba: attention on the layers of `attn_layer_indices`, Mamba 2 on the others."""
    with_attention = keys.wholes("attn_layer_indices") or ()
    state, attention = _mamba2(keys), full_layer(keys)
    return tuple(
        attention if index in with_attention else state for index in range(keys.layer_count())
    )


def falcon_h1(keys: ConfigKeys) -> tuple[Layer, ...]:
    """Falcon-H1: attention and Mamba 2 side by side in every layer."""
    return (full_layer(keys), _mamba2(keys)) * keys.layer_count()


def gated_delta_net(keys: ConfigKeys) -> tuple[Layer, ...]:
    """Qwen3-Next, Qwen3.5 and later: a full layer after every three with a state."""
    state = GatedDeltaNet(
        keys.whole("linear_num_key_heads"),
        keys.whole("linear_key_head_dim"),
        keys.whole("linear_num_value_heads"),
        keys.whole("linear_value_head_dim"),
        keys.whole("linear_conv_kernel_dim"),
        _dtype(keys, "mamba_ssm_dtype", absent="model"),
    )
    count = keys.layer_count()
    every = keys.whole_or_none("full_attention_interval") or 4
    types = keys.per_layer_texts("layer_types", count) or tuple(
        FULL if (index + 1) % every == 0 else LINEAR for index in range(count)
    )
    return _by_types(keys, types, {LINEAR: state, FULL: full_layer(keys)})


def kimi_linear(keys: ConfigKeys) -> tuple[Layer, ...]:
    """Kimi Linear and K3: latent attention, and the delta rule on `kda_layers` (from 1)."""
    linear = keys.section("linear_attn_config")
    if linear is None:
        raise keys.broken("linear_attn_config", "is missing")
    state = KimiDelta(
        linear.whole("num_heads"), linear.whole("head_dim"), linear.whole("short_conv_kernel_size")
    )
    with_state = set(linear.wholes("kda_layers") or ())
    attention = latent_layer(keys)
    return tuple(
        state if index in with_state else attention for index in range(1, keys.layer_count() + 1)
    )


def lightning(keys: ConfigKeys) -> tuple[Layer, ...]:
    """MiniMax-01 and M1: `attn_type_list` has 0 for linear attention, 1 for full."""
    count = keys.layer_count()
    types = keys.per_layer_wholes("attn_type_list", count)
    if types is None or set(types) - {0, 1}:
        raise keys.broken("attn_type_list", f"does not have 0 or 1 for each of {count} layers")
    state = LinearAttention(keys.whole("num_attention_heads"), head_size(keys), "model")
    attention = full_layer(keys)
    return tuple(attention if kind else state for kind in types)


def lfm2(keys: ConfigKeys) -> tuple[Layer, ...]:
    """LFM2: gated short convolutions with some layers of attention."""
    count = keys.layer_count()
    size = keys.whole_or_none("conv_dim") or keys.whole("hidden_size")
    convolution, attention = ShortConvolution(size, keys.whole("conv_L_cache")), full_layer(keys)
    types = keys.per_layer_texts("layer_types", count)
    if types is None and (indexes := keys.wholes("full_attn_idxs")) is not None:
        types = tuple(FULL if index in indexes else "conv" for index in range(count))
    return _by_types(keys, types, {"conv": convolution, FULL: attention})


def _mamba2(keys: ConfigKeys) -> Mamba2:
    heads, hidden = keys.whole("mamba_n_heads"), keys.whole("hidden_size")
    inner = keys.whole_or_none("mamba_d_ssm") or int((keys.number("mamba_expand") or 2) * hidden)
    size = keys.whole_or_none("mamba_d_head") if keys.get("mamba_d_head") != "auto" else None
    size = size or inner // heads
    if heads * size != inner:
        raise keys.broken("mamba_n_heads", f"of {heads} heads of {size} are not {inner} wide")
    return Mamba2(
        heads,
        size,
        keys.whole("mamba_n_groups"),
        keys.whole("mamba_d_state"),
        keys.whole("mamba_d_conv"),
    )


def _dtype(keys: ConfigKeys, name: str, *, absent: StateDtype) -> StateDtype:
    value = keys.text(name)
    if value is None:
        return absent
    if value == "float32":
        return "float32"
    # A 16-bit state beside a 16-bit model is the model's own in all that counts here.
    if value in ("auto", "bfloat16", "float16"):
        return "model"
    raise keys.broken(name, f"is {value!r}, a number format that is not known for states")


def _by_types(
    keys: ConfigKeys, types: tuple[str, ...] | None, kinds: dict[str, Layer]
) -> tuple[Layer, ...]:
    if types is None:
        raise keys.broken("layer_types", "is missing")
    for name in set(types) - set(kinds):
        raise keys.broken("layer_types", f"has {name!r}, which is not known here")
    return tuple(kinds[name] for name in types)
