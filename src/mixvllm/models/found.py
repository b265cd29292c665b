"""A model that was found: its description, its weights, and what answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mixvllm.models.description import ModelDescription
from mixvllm.models.safetensors_header import Tensor
from mixvllm.models.weights.groups import WeightFacts

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
