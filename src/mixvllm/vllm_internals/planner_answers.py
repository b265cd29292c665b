"""What vLLM's planner tells about a model as a whole, as it crosses from its process to ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SeenModel:
    """A model as vLLM's configuration has it.

    Attributes:
        context_length: The longest context that vLLM allows; None where it does not tell.
        max_model_len: The longest request that was planned for.
        cache_dtype: The format of the cache, resolved.
        rope_size: MLA's rotary part, or None.
    """

    architecture: str
    model_type: str
    context_length: int | None
    max_model_len: int
    dtype: str
    cache_dtype: str
    attention_heads: int
    hidden_size: int
    vocab_size: int
    quantization: str | None
    is_multimodal: bool
    is_moe: bool
    rope_size: int | None


@dataclass(frozen=True)
class SeenLayers:
    """Equal layers of one pipeline stage.

    Attributes:
        count: How many.
        heads: KV heads on one rank; None where the layer has none.
        key_size: Elements of a key, or of a latent vector; None likewise.
        value_size: Elements of a value.
        window: Tokens of its window or chunk, or None.
        growing_page_bytes: Bytes of one block more, on one rank; 0 where the longest request has
            filled what the layer holds.
    """

    stage: int
    kind: str
    count: int
    heads: int | None
    key_size: int | None
    value_size: int | None
    window: int | None
    block_size: int
    growing_page_bytes: int


@dataclass(frozen=True)
class SeenGroup:
    """Layers that share a block table; its fields are those of `planned_cache.KvGroup`."""

    kind: str
    layers: int
    block_size: int
    page_bytes: int
    natural_page_bytes: int
    bytes_per_block: int
    blocks_per_request: int
    padding_layers: int


@dataclass(frozen=True)
class SeenPool:
    """What a pool of known size holds.

    Attributes:
        refusal: Why vLLM would not start, or None.
    """

    num_blocks: int
    tokens: int
    max_concurrency: float
    max_model_len_that_fits: int
    refusal: str | None


@dataclass(frozen=True)
class Survey:
    """A model and its cache, by vLLM itself. Bytes are those of one rank.

    Attributes:
        stages: Layers with a cache and bytes of a block, for each pipeline stage.
        weights_bytes: Bytes of the parameters, on the heaviest stage; None where this build of
            vLLM has no kernels for them.
        parameters: Their number over all stages; None where several are packed in an element.
        unbuilt_reason: Why the weights are not known, or None.
        pool: What the pool holds; None where none was given.
    """

    model: SeenModel
    layers: tuple[SeenLayers, ...]
    groups: tuple[SeenGroup, ...]
    stages: tuple[tuple[int, int], ...]
    block_size: int
    blocks_per_request: int
    weights_bytes: int | None
    parameters: int | None
    unbuilt_reason: str | None
    pool: SeenPool | None

    @property
    def bytes_per_block(self) -> int:
        """Bytes of one block of the pool, on the most loaded rank."""
        return max(size for _, size in self.stages)


def survey_from(document: Mapping[str, Any]) -> Survey:
    """A survey as it was written to JSON."""
    fields = dict(document)
    fields["model"] = SeenModel(**fields["model"])
    fields["layers"] = tuple(SeenLayers(**each) for each in fields["layers"])
    fields["groups"] = tuple(SeenGroup(**each) for each in fields["groups"])
    fields["stages"] = tuple((layers, size) for layers, size in fields["stages"])
    fields["pool"] = fields["pool"] and SeenPool(**fields["pool"])
    return Survey(**fields)
