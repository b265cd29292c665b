"""What checkpoint documents tell: a description and weights."""

from __future__ import annotations

from dataclasses import replace

from mixvllm.models.config_keys import ConfigKeys
from mixvllm.models.found import Documents, FoundModel, ModelSource
from mixvllm.models.from_config import architecture_of, describe, family_and_keys, family_name
from mixvllm.models.weights.formula import weights_by_formula
from mixvllm.models.weights.from_tensors import weights_from_tensors
from mixvllm.models.weights.groups import WeightFacts
from mixvllm.models.weights.parameters import is_tied


def found_in(documents: Documents, name: str, source: ModelSource, origin: str) -> FoundModel:
    """The model that documents tell of.

    Raises:
        ModelError: they are broken, or the model is of a kind that is not known here.
    """
    description = describe(name, documents.config, documents.hf_quant_config)
    weights = _weights(documents)
    if weights is not None and weights.parameters is not None:
        description = replace(description, parameters=weights.parameters)
    return FoundModel(description, weights, source, origin)


def _weights(documents: Documents) -> WeightFacts | None:
    formula = weights_by_formula(documents.config, documents.hf_quant_config)
    parameters = formula.parameters if formula is not None else None
    if documents.tensors:
        root = ConfigKeys(documents.config)
        architecture = architecture_of(root)
        _, keys = family_and_keys(root, architecture)
        facts = weights_from_tensors(
            documents.tensors,
            keys.layer_count(),
            is_tied=is_tied(root, keys, family_name(root, architecture)),
            source="safetensors headers",
        )
        return replace(facts, parameters=facts.parameters or parameters)
    if documents.index_bytes is not None:
        groups = formula.groups if formula and formula.total_bytes == documents.index_bytes else {}
        return WeightFacts(documents.index_bytes, "index", groups, parameters=parameters)
    return formula
