"""Bytes of a model's weights from its config alone."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from mixvllm.models.checkpoint_formats import quantization_config, quantization_method
from mixvllm.models.config_keys import ConfigKeys
from mixvllm.models.from_config import architecture_of, family_and_keys
from mixvllm.models.weights.groups import WeightFacts, WeightGroup
from mixvllm.models.weights.parameters import ParameterCounts, count_parameters
from mixvllm.models.weights.stored_width import QUANTIZED, kept_whole, stored_width

# vLLM loads what is not quantized in a 16-bit format, whatever the files have.
WHOLE = Fraction(2)


def weights_by_formula(
    config: Mapping[str, object], hf_quant_config: Mapping[str, object] | None = None
) -> WeightFacts | None:
    """The bytes of the weights; None where no formula for this model is known here.

    Raises:
        ModelError: the config is broken or of an unknown architecture.
    """
    counts = count_parameters(config)
    root = ConfigKeys(config)
    _, keys = family_and_keys(root, architecture_of(root))
    quantization = quantization_config(root, keys, hf_quant_config)
    method = quantization_method(quantization)
    if counts is None:
        return None
    widths = dict.fromkeys(QUANTIZED, WHOLE)
    if method is not None and quantization is not None:
        width = stored_width(method, quantization)
        if width is None:
            return None
        whole = kept_whole(method, quantization, keys.layer_count())
        widths = {group: WHOLE if group in whole else width for group in QUANTIZED}
    return _facts(counts, widths)


def _facts(counts: ParameterCounts, widths: Mapping[WeightGroup, Fraction]) -> WeightFacts:
    groups = {
        group: int(number * widths.get(group, WHOLE))
        for group, number in counts.groups.items()
        if number
    }
    return WeightFacts(
        total_bytes=sum(groups.values()),
        source="formula",
        groups=groups,
        kv_projection_bytes=int(counts.kv_projections * widths.get("attention", WHOLE)),
        parameters=counts.total,
    )
