"""Bytes of the weights on the most loaded rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, prod
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
# gpt-oss is as wide inside its experts as outside.
GPT_OSS_WIDTH = 2880
# Embedding and output stand on every pipeline stage of these classes, ...
WHOLE_ENDS_ON_EVERY_STAGE = frozenset(
    {
        "ChatGLMModel",
        "GptOssForCausalLM",
        "JambaForCausalLM",
        "MixtralForCausalLM",
        "MuseGlimmerForConditionalGeneration",
        "NemotronHForCausalLM",
        "PhiMoEForCausalLM",
        "Qwen2MoeForCausalLM",
        "Qwen3MoeForCausalLM",
        "Qwen3NextForCausalLM",
        "Qwen3VLMoeForConditionalGeneration",
        "StableLmForCausalLM",
    }
)
# ... and the last one of these keeps the embedding for layers that draft.
EMBEDDING_ON_THE_LAST_STAGE = ("Qwen3_5",)
# vLLM serves these by transformers' code, which does not say how their MLPs would be divided.
UNDIVIDED_MLP = frozenset({"GPTBigCodeForCausalLM"})
UNDIVIDED_MLP_SINCE = (0, 32)
COPIED: tuple[WeightGroup, ...] = ("latent", "routers", "norms", "copied", "inputs")
BY_LAYER: tuple[WeightGroup, ...] = (
    "attention",
    "latent",
    "recurrent",
    "mlp",
    "experts",
    "routers",
    "norms",
    "copied",
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
    heads, and what is divided of encoders under vLLM's default `--mm-encoder-tp-mode weights`.
    Norms, routers, MLA's ways down to its latents, learned positions and the rest of an encoder
    are whole on every rank; embedding and output have their rows
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
        group: _on_one_rank(group, size, facts, description, serving)
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
    serving: ServingFacts,
) -> int:
    """Bytes of a group, of all stages together, on one tensor-parallel rank."""
    ranks = serving.tensor_parallel_size
    if group in COPIED or (group == "mlp" and _keeps_mlps_whole(description, serving)):
        return size
    if group in ("embeddings", "lm_head"):
        return divided_vocabulary(size, description.vocab_size, ranks)
    if group == "attention":
        return divided_attention(size, facts.kv_projection_bytes or 0, kv_heads(description), ranks)
    return -(-size // ranks)


def _keeps_mlps_whole(description: ModelDescription, serving: ServingFacts) -> bool:
    return (
        description.architecture in UNDIVIDED_MLP and serving.rules.version >= UNDIVIDED_MLP_SINCE
    )


def divided_vocabulary(size: int, vocab_size: int, ranks: int) -> int:
    """Bytes of an embedding's rows on one rank: `ceil(vocab / 64) x 64 x row / TP`."""
    padded = -(-vocab_size // VOCAB_PADDING) * VOCAB_PADDING
    return int(Fraction(size * padded, vocab_size * ranks))


def divided_attention(
    size: int, kv_projections: int, heads: Sequence[tuple[int, int]], ranks: int
) -> int:
    """Bytes of the attention on one rank.

    `(all - kv) / TP + kv / min(TP, KV heads)`: queries and output are divided over all ranks, the
    projections to keys and values over the KV heads and then copied.

    Args:
        size: Bytes of all layers.
        kv_projections: Of them those of the projections to keys and values.
        heads: The KV heads of each layer, and how wide its keys and values are together.
        ranks: Tensor-parallel ranks.
    """
    width = sum(width for _, width in heads)
    local = sum(Fraction(width, min(ranks, number)) for number, width in heads)
    share = local / width if width else Fraction(1, ranks)
    return -(-(size - kv_projections) // ranks) + ceil(kv_projections * share)


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
    """What the experts of gpt-oss grow by at load: their sizes, rounded up on each rank.

    `experts / TP x (inner' / inner x outer' / outer - 1)`, where a size with a stroke is the next
    multiple that the GPU's kernels take, and the inner one is `2880 / TP`.
    """
    if description.architecture != "GptOssForCausalLM" or description.quantization != "mxfp4":
        return 0
    inner = -(-GPT_OSS_WIDTH // serving.tensor_parallel_size)
    padded = [
        -(-size // step) * step
        for size, step in zip((inner, GPT_OSS_WIDTH), serving.mxfp4_steps, strict=True)
    ]
    grown = Fraction(prod(padded), inner * GPT_OSS_WIDTH) - 1
    ranks = serving.tensor_parallel_size * serving.pipeline_parallel_size
    return int(facts.groups.get("experts", 0) * grown / ranks)


def kv_heads(description: ModelDescription) -> list[tuple[int, int]]:
    """The KV heads of each layer that has them, and the width of its keys and values."""
    return [
        (layer.kv_heads, layer.kv_heads * (layer.key_size + layer.value_size))
        for layer in description.layers
        if isinstance(layer, FullAttention | SlidingWindow | ChunkedLocal | CrossAttention)
    ]


def _stages(
    local: dict[WeightGroup, int],
    facts: WeightFacts,
    description: ModelDescription,
    serving: ServingFacts,
) -> list[dict[WeightGroup, int]]:
    """The groups of every pipeline stage.

    A tied output is a copy of the embedding on the last stage, where draft layers are, too; an
    encoder stands on every stage, and with some classes embedding and output do.
    """
    count = serving.pipeline_parallel_size
    if count == 1:
        return [dict(local)]
    layers = stage_layers(description, serving)
    stages: list[dict[WeightGroup, int]] = [
        {
            group: int(size * _share(group, facts, layers, stage)) if group in BY_LAYER else size
            for group, size in local.items()
            if group in (*BY_LAYER, *_ends(description), "inputs", "encoder")
        }
        for stage in range(count)
    ]
    if "embeddings" in local:
        stages[0]["embeddings"] = local["embeddings"]
        if description.architecture.startswith(EMBEDDING_ON_THE_LAST_STAGE):
            stages[-1]["embeddings"] = local["embeddings"]
    if not serving.pooling:
        _add_output(stages[-1], local)
    if "draft" in local:
        stages[-1]["draft"] = local["draft"]
    return stages


def _share(group: WeightGroup, facts: WeightFacts, layers: Sequence[int], stage: int) -> Fraction:
    """The share of a group that a stage has, by its layers."""
    runs = (facts.layer_shares or {}).get(group, ())
    sizes = [size for number, size in runs for _ in range(number)]
    if len(sizes) != sum(layers) or not any(sizes):
        return Fraction(layers[stage], sum(layers))
    first = sum(layers[:stage])
    return Fraction(sum(sizes[first : first + layers[stage]]), sum(sizes))


def _ends(description: ModelDescription) -> tuple[WeightGroup, ...]:
    """The groups that every stage has though only one of them works with each."""
    if description.architecture in WHOLE_ENDS_ON_EVERY_STAGE:
        return ("embeddings", "lm_head")
    return ()


def _add_output(stage: dict[WeightGroup, int], local: dict[WeightGroup, int]) -> None:
    """Give the last stage its output layer, which may be the embedding."""
    if "lm_head" in local:
        stage["lm_head"] = local["lm_head"]
    else:
        stage["embeddings"] = local.get("embeddings", 0)
