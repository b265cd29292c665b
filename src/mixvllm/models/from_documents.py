"""What checkpoint documents tell: a description and weights."""

from __future__ import annotations

from dataclasses import replace

from mixvllm.errors import ModelError
from mixvllm.models.config_keys import ConfigKeys
from mixvllm.models.found import Documents, FoundModel, ModelSource
from mixvllm.models.from_config import architecture_of, describe, family_and_keys, family_name
from mixvllm.models.weights.formula import weights_by_formula
from mixvllm.models.weights.from_tensors import weights_from_tensors
from mixvllm.models.weights.groups import WeightFacts
from mixvllm.models.weights.parameters import is_tied

# Of one parameter, in any format that there is and twice as far.
LEAST_BITS = 1
MOST_BITS = 128


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
        if parameters is not None:
            _check_index(documents.index_bytes, parameters)
        groups = formula.groups if formula and formula.total_bytes == documents.index_bytes else {}
        return WeightFacts(documents.index_bytes, "index", groups, parameters=parameters)
    return formula


def _check_index(index_bytes: int, parameters: int) -> None:
    """Believe an index only within what any format of so many parameters takes, and much around."""
    if not parameters * LEAST_BITS <= 8 * index_bytes <= parameters * MOST_BITS:
        raise ModelError(
            f"The index of the weights says {index_bytes} bytes for {parameters} parameters, "
            "which no format takes.",
            hint="Fetch model.safetensors.index.json again.",
        )
