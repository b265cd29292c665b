"""Bytes of the weights on the most loaded rank."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from mixvllm.memory.kv.layers import stage_layers
from mixvllm.memory.serving import ServingFacts
from mixvllm.models.description import (
    BlockSparse,
    ChunkedLocal,
    CompressedLatent,
    CrossAttention,
    FullAttention,
    LatentAttention,
    ModelDescription,
    SlidingWindow,
)
from mixvllm.models.weights.groups import WeightFacts, WeightGroup

VOCAB_PADDING = 64
# Sizes of a head's key without its rotary part and of its value, together, in every MLA model.
LATENT_HEAD_SIZES = 256
# vLLM's rotary tables of models with three positions a token are four times as long.
THREE_POSITIONS = ("Qwen2VL", "Qwen2_5_VL", "Qwen3VL", "Qwen3_5")
# These turn a quarter of a head.
QUARTER_ROTARY = ("Qwen3_5", "Qwen3Next")
# DeepSeek-V4's table: 64 numbers a position, in float32.
COMPRESSED_ROTARY_BYTES = 64 * 4
# The kernels for gpt-oss on Hopper want the experts' inner size, 2880, in multiples of this.
MXFP4_PADDING = 256
GPT_OSS_INNER = 2880
COPIED: tuple[WeightGroup, ...] = ("latent", "routers", "norms")
BY_LAYER: tuple[WeightGroup, ...] = (
    "attention",
    "latent",
    "recurrent",
    "mlp",
    "experts",
    "routers",
    "norms",
)
Exactness = Literal["by vLLM", "by group", "total divided"]


@dataclass(frozen=True)
class RankWeights:
    """The weights on the most loaded rank.

    Attributes:
        total_bytes: Bytes of the parameters.
        buffer_bytes: What vLLM computes from them at load and counts with them: rotary tables,
            MLA's absorbed matrices, padding of experts.
        groups: The parameters by group; empty where only the total is known.
        exactness: `by vLLM` is what its own classes allocate; `by group` is within 0.5 % of what
            vLLM loads; `total divided` leaves out what ranks copy.
    """

    total_bytes: int
    buffer_bytes: int
    groups: dict[WeightGroup, int]
    exactness: Exactness


def rank_weights(
    facts: WeightFacts, description: ModelDescription, serving: ServingFacts
) -> RankWeights:
    """What the most loaded rank holds under tensor and pipeline parallelism.

    A group that is divided gives `bytes / TP`, rounded up: MLPs, experts, states with their
    heads, and encoders under vLLM's default `--mm-encoder-tp-mode weights`. Norms, routers and
    MLA's ways down to its latents are whole on every rank; embedding and output have their rows
    padded to 64 before they are divided; the key and value projections are divided over at most
    as many ranks as there are KV heads. A pipeline stage has its share of the layers, the first
    the embedding, the last the output.

    Raises:
        EstimateError: the layers cannot be shared among the stages.
    """
    buffers = buffer_bytes(description, serving) + expert_padding(facts, description, serving)
    if not facts.groups:
        ranks = serving.tensor_parallel_size * serving.pipeline_parallel_size
        return RankWeights(-(-facts.total_bytes // ranks), buffers, {}, "total divided")
    local = {
        group: _on_one_rank(group, size, facts, description, serving.tensor_parallel_size)
        for group, size in facts.groups.items()
        if is_loaded(group, serving)
    }
    stages = _stages(local, facts, description, serving)
    heaviest = max(stages, key=lambda stage: sum(stage.values()))
    return RankWeights(sum(heaviest.values()), buffers, heaviest, "by group")


def is_loaded(group: WeightGroup, serving: ServingFacts) -> bool:
    """Draft layers are loaded to draft with, the output layer unless the server pools."""
    if group == "draft":
        return bool(serving.draft_layers)
    return group != "lm_head" or not serving.pooling


def _on_one_rank(
    group: WeightGroup,
    size: int,
    facts: WeightFacts,
    description: ModelDescription,
    ranks: int,
) -> int:
    """Bytes of a group, of all stages together, on one tensor-parallel rank."""
    if group in COPIED:
        return size
    if group in ("embeddings", "lm_head"):
        return divided_vocabulary(size, description.vocab_size, ranks)
    if group == "attention":
        return divided_attention(size, facts.kv_projection_bytes or 0, kv_heads(description), ranks)
    return -(-size // ranks)


def divided_vocabulary(size: int, vocab_size: int, ranks: int) -> int:
    """Bytes of an embedding's rows on one rank: `ceil(vocab / 64) x 64 x row / TP`."""
    padded = -(-vocab_size // VOCAB_PADDING) * VOCAB_PADDING
    return int(Fraction(size * padded, vocab_size * ranks))


def divided_attention(size: int, kv_projections: int, heads: int, ranks: int) -> int:
    """Bytes of the attention on one rank.

    `(all - kv) / TP + kv / min(TP, KV heads)`: queries and output are divided over all ranks, the
    projections to keys and values over the KV heads and then copied.
    """
    return -(-(size - kv_projections) // ranks) + -(-kv_projections // min(ranks, heads))


def buffer_bytes(description: ModelDescription, serving: ServingFacts) -> int:
    """Tables that vLLM makes beside the parameters.

    Rotary: `length of the config x head x 2 bytes` for each size of head; half a head is turned
    by block-sparse attention, and DeepSeek-V4 has `length x 64 x 4 bytes` for layers with windows
    alone, and again for those that compress. MLA keeps the way up
    from the latent once more, in 16 bits: `latent x (128 + 128) x heads / TP x 2` a layer.
    """
    latents = [layer for layer in description.layers if isinstance(layer, LatentAttention)]
    local_heads = description.attention_heads // serving.tensor_parallel_size
    absorbed = sum(layer.latent_size for layer in latents) * LATENT_HEAD_SIZES * local_heads * 2
    sizes = {layer.rope_size for layer in latents}
    sizes.update(
        layer.key_size
        for layer in description.layers
        if isinstance(layer, FullAttention | SlidingWindow | ChunkedLocal)
    )
    times = 4 if description.architecture.startswith(THREE_POSITIONS) else 1
    share = 4 if description.architecture.startswith(QUARTER_ROTARY) else 1
    if any(isinstance(layer, BlockSparse) for layer in description.layers):
        share = 2
    compressed = [layer for layer in description.layers if isinstance(layer, CompressedLatent)]
    tables = len({layer.ratio > 1 for layer in compressed})
    rotary = (description.context_length or 0) * times * sum(sizes) // share * 2
    rotary += (description.context_length or 0) * tables * COMPRESSED_ROTARY_BYTES
    return absorbed // serving.pipeline_parallel_size + rotary


def expert_padding(facts: WeightFacts, description: ModelDescription, serving: ServingFacts) -> int:
    """What the experts of gpt-oss grow by at load: their inner size, rounded up on each rank."""
    if description.architecture != "GptOssForCausalLM" or description.quantization != "mxfp4":
        return 0
    ranks = serving.tensor_parallel_size
    inner = -(-GPT_OSS_INNER // ranks)
    grown = -(-inner // MXFP4_PADDING) * MXFP4_PADDING - inner
    return (
        facts.groups.get("experts", 0) * grown // (inner * ranks * serving.pipeline_parallel_size)
    )


def kv_heads(description: ModelDescription) -> int:
    """The KV heads of a layer, the fewest; one where the layers have latents or none."""
    counts = [
        layer.kv_heads
        for layer in description.layers
        if isinstance(layer, FullAttention | SlidingWindow | ChunkedLocal | CrossAttention)
    ]
    return min(counts, default=1)


def _stages(
    local: dict[WeightGroup, int],
    facts: WeightFacts,
    description: ModelDescription,
    serving: ServingFacts,
) -> list[dict[WeightGroup, int]]:
    """The groups of every pipeline stage.

    A tied output is a copy of the embedding on the last stage, where draft layers are, too; an
    encoder stands on the first.
    """
    count = serving.pipeline_parallel_size
    if count == 1:
        return [dict(local)]
    layers = stage_layers(description, serving)
    stages: list[dict[WeightGroup, int]] = [
        {
            group: int(Fraction(size * layers_here, sum(layers)))
            for group, size in local.items()
            if group in BY_LAYER
        }
        for layers_here in layers
    ]
    for group in ("embeddings", "encoder"):
        if group in local:
            stages[0][group] = local[group]
    if not serving.pooling:
        stages[-1]["lm_head"] = local.get("lm_head", local.get("embeddings", 0))
    if "draft" in local:
        stages[-1]["draft"] = local["draft"]
    return stages
