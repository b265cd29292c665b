"""Weights under another number format or quantization than the checkpoint's own."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from mixvllm.memory.dtypes import element_bytes
from mixvllm.models.description import ModelDescription
from mixvllm.models.weights.groups import QUANTIZED, WeightFacts, WeightGroup

# Bytes of one weight with its share of the scales, at each method's usual group size: 128 for AWQ
# and GPTQ (a 16-bit scale and a 4-bit zero), 64 for bitsandbytes (a float32), 16 for NVFP4.
BYTES_BY_METHOD = {
    "fp8": Fraction(1),
    "awq": Fraction(1, 2) + Fraction(20, 8 * 128),
    "gptq": Fraction(1, 2) + Fraction(20, 8 * 128),
    "bitsandbytes": Fraction(1, 2) + Fraction(4, 64),
    "modelopt_fp4": Fraction(1, 2) + Fraction(1, 16),
}
# Other kernels for the same format.
SAME_FORMAT = {"awq_marlin": "awq", "gptq_marlin": "gptq", "auto_awq": "awq", "auto_gptq": "gptq"}


def weights_as_asked(
    facts: WeightFacts | None,
    checkpoint: ModelDescription,
    *,
    dtype: str,
    quantization: str | None,
) -> WeightFacts | None:
    """The weights in the asked formats; None where they cannot be told.

    Args:
        facts: The checkpoint's weights.
        checkpoint: The model with the checkpoint's own quantization.
        dtype: The number format that it is loaded in.
        quantization: The method to assume, or None for the checkpoint's.
    """
    if facts is None or facts.source == "GGUF header":
        return facts
    method = _format(quantization) or checkpoint.quantization
    if checkpoint.quantization is not None:
        is_same = method == _format(checkpoint.quantization)
        is_wide = element_bytes(dtype) != element_bytes(checkpoint.dtype)
        return facts if is_same and not is_wide else None
    loaded = _in_dtype(facts, element_bytes(dtype))
    if method is None or loaded is None:
        return loaded
    return _quantized(loaded, method, element_bytes(dtype))


def _format(method: str | None) -> str | None:
    return None if method is None else SAME_FORMAT.get(method, method)


def _in_dtype(facts: WeightFacts, width: int) -> WeightFacts | None:
    """Unquantized weights as loaded: files in float32 are loaded in the dtype that is served."""
    if facts.parameters is None:
        return facts if width == 2 else None
    stored = 4 if facts.total_bytes >= 3 * facts.parameters else 2
    return (
        facts if stored == width else _scaled(facts, Fraction(width, stored), tuple(facts.groups))
    )


def _quantized(facts: WeightFacts, method: str, width: int) -> WeightFacts | None:
    """The matrices of the layers in the method's format; embeddings and norms stay."""
    if method not in BYTES_BY_METHOD or not facts.groups:
        return None
    return _scaled(facts, BYTES_BY_METHOD[method] / width, QUANTIZED)


def _scaled(facts: WeightFacts, factor: Fraction, groups: tuple[WeightGroup, ...]) -> WeightFacts:
    if not facts.groups:
        return replace(facts, total_bytes=int(facts.total_bytes * factor))
    scaled = {
        group: int(size * factor) if group in groups else size
        for group, size in facts.groups.items()
    }
    projections = facts.kv_projection_bytes
    if projections is not None and "attention" in groups:
        projections = int(projections * factor)
    total = sum(size for group, size in scaled.items() if group != "draft")
    return replace(facts, groups=scaled, total_bytes=total, kv_projection_bytes=projections)
