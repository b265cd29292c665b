"""Weights by what tensor parallelism does with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

# How each is placed on the ranks is `mixvllm.memory`'s to know. `latent` is what MLA has for all
# heads together: the ways down to the latent vectors, and the indexer. `copied` is what else every
# rank has whole in the layers, `inputs` the same of what stands before them: learned positions, and
# parts of an encoder.
WeightGroup = Literal[
    "embeddings",
    "lm_head",
    "attention",
    "latent",
    "recurrent",
    "mlp",
    "experts",
    "routers",
    "norms",
    "copied",
    "inputs",
    "encoder",
    "draft",
]
WEIGHT_GROUPS: tuple[WeightGroup, ...] = get_args(WeightGroup)
# The groups that a quantized checkpoint quantizes, unless it says otherwise.
QUANTIZED: tuple[WeightGroup, ...] = (
    "attention",
    "latent",
    "recurrent",
    "mlp",
    "experts",
    "copied",
)
# By group the runs of equal layers: how many they are, and their relative size.
LayerShares = Mapping[WeightGroup, Sequence[Sequence[int]]]
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
            than KV heads; None where unknown.
        parameters: Number of parameters, or None where the files hold packed ones.
        layer_shares: How the groups whose layers differ are spread over them; the layers of a
            group that is absent are equal, and so are all where it is None.
    """

    total_bytes: int
    source: WeightSource
    groups: Mapping[WeightGroup, int]
    kv_projection_bytes: int | None = None
    parameters: int | None = None
    layer_shares: LayerShares | None = None
