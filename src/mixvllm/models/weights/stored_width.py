"""Bytes a weight takes in a quantized checkpoint, and which weights are not quantized."""

from __future__ import annotations

from fractions import Fraction
from math import prod

from mixvllm.models.config_keys import ConfigKeys
from mixvllm.models.weights.groups import WeightGroup

# vLLM loads what is not quantized in a 16-bit format, whatever the files have.
WHOLE = Fraction(2)
EXCLUDING_KEYS = ("modules_to_not_convert", "ignore", "exclude_modules", "llm_int8_skip_modules")
# Parts of a module's path that tell its group; the first that fits counts.
PATH_PARTS: tuple[tuple[str, WeightGroup], ...] = (
    ("latent_proj", "copied"),
    ("linear_attn", "recurrent"),
    ("mamba", "recurrent"),
    ("attn", "attention"),
    ("shared_expert", "mlp"),
    ("mlp", "mlp"),
)
NO_PROJECTIONS = ("norm", "indexer", "vis", "mm_projector")
# Of a gated delta layer the ways to decay and beta: a hundredth, which says nothing of the others.
SMALL_PROJECTIONS = ("in_proj_a", "in_proj_b")
NO_MATRICES = ("norm", "gate", "router", "indexer", "visual", "vision", "mtp", "conv1d")


def stored_width(method: str, quantization: ConfigKeys) -> Fraction | None:
    """Bytes of one quantized weight with its share of scales; None where that is not known."""
    if method in ("awq", "gptq"):
        return _packed_in_groups(quantization)
    if method in ("fp8", "fbgemm_fp8"):
        block = prod(quantization.wholes("weight_block_size") or (0,))
        return Fraction(1) + (Fraction(4, block) if block else 0)
    if method == "bitsandbytes":
        return _bitsandbytes(quantization)
    if method == "compressed-tensors":
        return _compressed_tensors(quantization)
    return {
        "modelopt": Fraction(1),
        "modelopt_fp4": Fraction(1, 2) + Fraction(1, 16),
        "modelopt_mxfp8": Fraction(1) + Fraction(1, 32),
        "mxfp4": Fraction(1, 2) + Fraction(1, 32),
    }.get(method)


def kept_whole(method: str, quantization: ConfigKeys, layer_count: int) -> set[WeightGroup]:
    """The groups that a quantized checkpoint keeps in the model's own number format."""
    if method == "mxfp4":
        return {"attention", "latent", "recurrent", "mlp"}
    layers: dict[WeightGroup, set[str]] = {}
    for path in excluded_paths(quantization):
        if (group := _group_of(path)) is not None:
            number = next((part for part in path.split(".") if part.isdecimal()), "")
            layers.setdefault(group, set()).add(number)
    # A path without a layer's number is a pattern for all of them.
    whole = {
        group
        for group, numbers in layers.items()
        if "" in numbers or 2 * len(numbers) >= layer_count
    }
    return whole | {"latent"} if "attention" in whole else whole


def excluded_paths(quantization: ConfigKeys) -> tuple[str, ...]:
    """The modules that are not quantized, under whichever key a maker lists them."""
    inner = quantization.section("quantization") or quantization
    return tuple(path for name in EXCLUDING_KEYS for path in inner.texts(name) or ())


def _group_of(path: str) -> WeightGroup | None:
    if path.endswith(SMALL_PROJECTIONS):
        return None
    # `re:.*mlp\\.(gate|up|down)_proj` names matrices, for all that it has a gate.
    is_matrix = "_proj" in path and not any(part in path for part in NO_PROJECTIONS)
    if not is_matrix and any(part in path for part in NO_MATRICES):
        return None
    return next((group for part, group in PATH_PARTS if part in path), None)


def _packed_in_groups(quantization: ConfigKeys) -> Fraction:
    bits = quantization.whole_or_none("bits", most=8) or quantization.whole("w_bit", most=8)
    group = quantization.whole_or_none("group_size", least=-1) or quantization.whole_or_none(
        "q_group_size", least=-1
    )
    each = Fraction(bits, 8)
    # A 16-bit scale and a packed zero point for each group; -1 is one group a column.
    return each + (each + 2) / group if group and group > 0 else each


def _bitsandbytes(quantization: ConfigKeys) -> Fraction:
    if quantization.flag("load_in_8bit"):
        return Fraction(1)
    if quantization.flag("bnb_4bit_use_double_quant"):
        return Fraction(1, 2) + Fraction(1, 64) + Fraction(4, 64 * 256)
    return Fraction(1, 2) + Fraction(4, 64)


def _compressed_tensors(quantization: ConfigKeys) -> Fraction | None:
    groups = quantization.section("config_groups")
    if groups is None:
        return None
    widths = set()
    for name in groups.values:
        group = groups.section(name)
        weights = group.section("weights") if group is not None else None
        widths.add(None if weights is None else by_weights(weights))
    return widths.pop() if len(widths) == 1 else None


def by_weights(weights: ConfigKeys) -> Fraction:
    """Bytes of one weight as compressed-tensors describes it, with its share of scales."""
    bits = weights.whole("num_bits", most=16)
    group = weights.whole_or_none("group_size", least=-1)
    width = Fraction(bits, 8)
    if not group or group < 0:
        return width
    scale = 1 if weights.text("type") == "float" and bits == 4 else 2
    return width + Fraction(scale, group)
