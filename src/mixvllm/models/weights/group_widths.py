"""Bytes of a weight in each group of a quantized checkpoint, where groups differ."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from mixvllm.models.config_keys import ConfigKeys
from mixvllm.models.weights.groups import QUANTIZED, WeightGroup
from mixvllm.models.weights.layer_counts import latent_count
from mixvllm.models.weights.stored_width import (
    WHOLE,
    by_weights,
    excluded_paths,
    kept_whole,
    stored_width,
)

Widths = Mapping[WeightGroup, Fraction]
NVFP4 = Fraction(1, 2) + Fraction(1, 16)
MXFP4 = Fraction(1, 2) + Fraction(1, 32)
# ModelOpt's names for what a single layer is quantized with.
ALGORITHMS = {
    "FP8": Fraction(1),
    "MXFP8": Fraction(1) + Fraction(1, 32),
    "NVFP4": NVFP4,
    "W4A16_NVFP4": NVFP4,
}
# Parts of a listed layer's path that tell its group; the first that fits counts.
LISTED: tuple[tuple[str, WeightGroup], ...] = (
    ("lm_head", "lm_head"),
    ("shared_expert", "mlp"),
    (".experts", "experts"),
    ("latent_proj", "copied"),
    ("linear_attn", "recurrent"),
    ("self_attn", "attention"),
    (".mlp.", "mlp"),
    ("mixer.in_proj", "recurrent"),
    ("mixer.out_proj", "recurrent"),
    ("mixer.", "attention"),
)
DEEPSEEK_V4 = "DeepseekV4ForCausalLM"


def group_widths(
    method: str, quantization: ConfigKeys, keys: ConfigKeys, architecture: str
) -> Widths | None:
    """Bytes of a weight by group; what is absent is whole. None where that is not known.

    Args:
        method: vLLM's name for the method.
        quantization: What the checkpoint says of it.
        keys: The language part's keys.
        architecture: The class of the language part.
    """
    if method == "modelopt_mixed":
        return listed_widths(quantization)
    if architecture == DEEPSEEK_V4:
        return _deepseek_v4(method, quantization, keys)
    width = stored_width(method, quantization)
    if width is None:
        return None
    whole = kept_whole(method, quantization, keys.layer_count())
    widths = {group: width for group in QUANTIZED if group not in whole}
    if "attention" in whole and keeps_all_but_the_way_out(quantization):
        widths["attention"] = _with_quantized_way_out(keys, width)
    return widths


def keeps_all_but_the_way_out(quantization: ConfigKeys) -> bool:
    """Whether the ways to MLA's heads are excluded by name and the one after them is not."""
    paths = [path for path in excluded_paths(quantization) if "self_attn" in path]
    named = {path.rsplit(".", 1)[-1] for path in paths}
    return "kv_b_proj" in named and not named & {"o_proj", "self_attn", "self_attn*"}


def _with_quantized_way_out(keys: ConfigKeys, width: Fraction) -> Fraction:
    """Bytes of a weight of MLA's heads where only those of the way out are quantized."""
    heads = keys.whole("num_attention_heads")
    share = Fraction(
        heads * keys.whole("v_head_dim") * keys.whole("hidden_size"), latent_count(keys)
    )
    return WHOLE * (1 - share) + width * share


def listed_widths(quantization: ConfigKeys) -> Widths | None:
    """By a list of every quantized layer; None where layers of one group differ."""
    inner = quantization.section("quantization") or quantization
    layers = inner.section("quantized_layers")
    if layers is None:
        return None
    widths: dict[WeightGroup, Fraction] = {}
    for path in layers.values:
        group = next((group for part, group in LISTED if part in path), None)
        layer = layers.section(path)
        width = ALGORITHMS.get((layer.text("quant_algo") if layer else None) or "")
        if group is None or width is None or widths.setdefault(group, width) != width:
            return None
    return widths


def _deepseek_v4(method: str, quantization: ConfigKeys, keys: ConfigKeys) -> Widths | None:
    """8 bits, but experts in 4 where the config says so."""
    if method == "compressed-tensors":
        return _by_part(quantization)
    width = stored_width(method, quantization)
    if width is None:
        return None
    experts = MXFP4 if keys.text("expert_dtype") == "fp4" else width
    if quantization.text("moe_quant_algo") == "NVFP4":
        experts = NVFP4
    return {**dict.fromkeys(QUANTIZED, width), "experts": experts}


def _by_part(quantization: ConfigKeys) -> Widths | None:
    """By patterns that name the attention or the MLPs and experts as a whole."""
    parts: tuple[tuple[str, tuple[WeightGroup, ...]], ...] = (
        ("attn", ("attention", "latent")),
        ("ffn", ("mlp", "experts")),
    )
    groups = quantization.section("config_groups")
    widths: dict[WeightGroup, Fraction] = {}
    for name in groups.values if groups else ():
        group = groups.section(name) if groups else None
        weights = group.section("weights") if group else None
        targets = (group.texts("targets") if group else None) or ()
        for target in targets:
            named = next((inside for part, inside in parts if part in target), None)
            if named is None or weights is None:
                return None
            widths |= dict.fromkeys(named, by_weights(weights))
    return widths or None
