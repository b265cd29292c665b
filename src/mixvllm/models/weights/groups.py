"""Weights by what tensor parallelism does with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

# How each is placed on the ranks is `mixvllm.memory`'s to know.
WeightGroup = Literal[
    "embeddings",
    "lm_head",
    "attention",
    "recurrent",
    "mlp",
    "experts",
    "routers",
    "norms",
    "encoder",
    "draft",
]
WEIGHT_GROUPS: tuple[WeightGroup, ...] = get_args(WeightGroup)
WeightSource = Literal["safetensors headers", "index", "published", "formula", "GGUF header"]


@dataclass(frozen=True)
class WeightFacts:
    """The size of a model's weights.

    Attributes:
        total_bytes: What the files hold, without the draft layers that vLLM leaves out unless
            it drafts with them.
        source: Where the number comes from.
        groups: Bytes by group, in all `total_bytes` without `draft`; empty where only the total
            is known.
        kv_projection_bytes: Of `attention`, the part that ranks copy when there are more of them
            than KV heads (with MLA, which has one: the ways down to its latents); None where
            unknown.
        parameters: Number of parameters, or None where the files hold packed ones.
    """

    total_bytes: int
    source: WeightSource
    groups: Mapping[WeightGroup, int]
    kv_projection_bytes: int | None = None
    parameters: int | None = None
