"""A model that was found: its description, its weights, and what answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from mixvllm.models.config_keys import ConfigKeys
from mixvllm.models.description import ModelDescription
from mixvllm.models.from_config import architecture_of, describe, family_and_keys, family_name
from mixvllm.models.safetensors_header import Tensor
from mixvllm.models.weights.formula import weights_by_formula
from mixvllm.models.weights.from_tensors import weights_from_tensors
from mixvllm.models.weights.groups import WeightFacts
from mixvllm.models.weights.parameters import is_tied

ModelSource = Literal[
    "local directory", "config file", "GGUF file", "catalogue", "Hugging Face cache", "hub"
]


@dataclass(frozen=True)
class Documents:
    """What a checkpoint's files say.

    Attributes:
        config: config.json, parsed.
        hf_quant_config: ModelOpt's file, parsed, or None.
        tensors: What the headers of all weight files list; None where not all could be read.
        index_bytes: `metadata.total_size` of the index, or None.
    """

    config: Mapping[str, object]
    hf_quant_config: Mapping[str, object] | None = None
    tensors: Mapping[str, Tensor] | None = None
    index_bytes: int | None = None


@dataclass(frozen=True)
class FoundModel:
    """A model and where it came from.

    Attributes:
        description: Its layers and sizes.
        weights: Its weights; None where neither files nor a formula tell them.
        source: The kind of place that answered.
        origin: The path or name there.
    """

    description: ModelDescription
    weights: WeightFacts | None
    source: ModelSource
    origin: str


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
