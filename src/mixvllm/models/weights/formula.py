"""Bytes of a model's weights from its config alone."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from mixvllm.models.checkpoint_formats import quantization_config, quantization_method
from mixvllm.models.config_keys import ConfigKeys
from mixvllm.models.from_config import architecture_of, family_and_keys, family_name
from mixvllm.models.weights.group_widths import Widths, group_widths
from mixvllm.models.weights.groups import WeightFacts
from mixvllm.models.weights.parameters import ParameterCounts, count_parameters
from mixvllm.models.weights.stored_width import WHOLE

# These classes keep the router's matrix in float32, whatever the files have.
FLOAT_ROUTERS = frozenset(
    {
        "Glm4MoeForCausalLM",
        "MiniMaxM2ForCausalLM",
        "MiniMaxM3SparseForCausalLM",
        "NemotronHForCausalLM",
    }
)
FLOAT = Fraction(4)


def weights_by_formula(
    config: Mapping[str, object], hf_quant_config: Mapping[str, object] | None = None
) -> WeightFacts | None:
    """The bytes of the weights; None where no formula for this model is known here.

    Raises:
        ModelError: the config is broken or of an unknown architecture.
    """
    counts = count_parameters(config)
    if counts is None:
        return None
    root = ConfigKeys(config)
    architecture = architecture_of(root)
    _, keys = family_and_keys(root, architecture)
    quantization = quantization_config(root, keys, hf_quant_config)
    method = quantization_method(quantization)
    widths: Widths | None = {}
    if method is not None and quantization is not None:
        widths = group_widths(method, quantization, keys, family_name(root, architecture))
    if widths is not None and family_name(root, architecture) in FLOAT_ROUTERS:
        widths = {**widths, "routers": FLOAT}
    return None if widths is None else _facts(counts, widths)


def _facts(counts: ParameterCounts, widths: Widths) -> WeightFacts:
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
        layer_shares=counts.layer_shares,
    )
