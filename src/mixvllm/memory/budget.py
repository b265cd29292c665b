"""What is left for the KV cache on one GPU: the weights counted, the rest between bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mixvllm.errors import EstimateError
from mixvllm.memory.gpu_table import Gpu
from mixvllm.memory.overhead_constants import (
    CONSTANTS_GIB,
    EARLIER_LOW_SHARE,
    GRAPH_HIGH_SHARE,
    GRAPH_LOW_SHARE,
    HIGH_SHARE,
    LOW_SHARE,
)
from mixvllm.memory.overheads import (
    LEAN_SAMPLER_SINCE,
    Part,
    Term,
    overhead_terms,
    peak_bytes,
)
from mixvllm.memory.serving import ServingFacts
from mixvllm.memory.weights import RankWeights
from mixvllm.models.description import ModelDescription
from mixvllm.sizes import GIB


@dataclass(frozen=True)
class Band:
    """Bytes between bounds; `best` is the guess to plan with."""

    low: int
    best: int
    high: int


@dataclass(frozen=True)
class Budget:
    """The memory of the most loaded GPU.

    Attributes:
        requested_bytes: vLLM's share of it; None where the cache was given in bytes.
        weights_bytes: The weights with what vLLM computes from them at load.
        activation: The profile run's peak, workspaces and encoder included.
        cuda_graph: What vLLM sets aside for CUDA graphs; 0 where it does not.
        other: Context, communication buffers, and what shared memory loses.
        kv_cache: What is left; `low` goes with the high bounds of the others. May be below 0:
            then vLLM does not start.
    """

    requested_bytes: int | None
    weights_bytes: int
    activation: Band
    cuda_graph: Band
    other: Band
    kv_cache: Band


def requested_bytes(total_bytes: int, utilization: float) -> int:
    """The share of a GPU that vLLM asks for: `ceil(total x utilisation)`.

    Raises:
        EstimateError: the share is not above 0 and at most 1.
    """
    if not 0 < utilization <= 1:
        raise EstimateError(
            f"gpu_memory_utilization must be above 0 and at most 1, not {utilization}."
        )
    return math.ceil(total_bytes * utilization)


def memory_budget(
    model: ModelDescription,
    weights: RankWeights,
    serving: ServingFacts,
    gpu: Gpu,
    utilization: float,
    *,
    kv_cache_memory_bytes: int | None = None,
    text_only: bool = False,
) -> Budget:
    """The budget of one GPU: `cache = requested - weights - activation - graphs - other`.

    Args:
        model: The model.
        weights: Its weights on the most loaded rank.
        serving: How it is served.
        gpu: The GPU.
        utilization: `--gpu-memory-utilization`.
        kv_cache_memory_bytes: `--kv-cache-memory-bytes`: vLLM takes it as it is, whatever the
            share.
        text_only: Whether a multimodal model is started for text alone.

    Raises:
        EstimateError: a utilisation or a size that cannot be.
    """
    terms = overhead_terms(model, serving, gpu, text_only=text_only)
    low = LOW_SHARE if serving.rules.version >= LEAN_SAMPLER_SINCE else EARLIER_LOW_SHARE
    peak = peak_bytes(model, serving)
    activation = _band(peak + _sum(terms, "activation"), low, HIGH_SHARE)
    graphs = _band(_sum(terms, "cuda_graph"), GRAPH_LOW_SHARE, GRAPH_HIGH_SHARE)
    other = _band(_sum(terms, "other"), low, HIGH_SHARE)
    taken = weights.total_bytes + weights.buffer_bytes
    if kv_cache_memory_bytes is not None:
        if kv_cache_memory_bytes < 1:
            raise EstimateError(
                f"The memory for the KV cache must be at least 1, not {kv_cache_memory_bytes}."
            )
        given = Band(*[kv_cache_memory_bytes] * 3)
        return Budget(None, taken, activation, graphs, other, given)
    requested = requested_bytes(gpu.total_bytes, utilization)
    left = requested - taken
    kv_cache = Band(
        low=left - activation.high - graphs.high - other.high,
        best=left - activation.best - graphs.best - other.best,
        high=left - activation.low - graphs.low - other.low,
    )
    return Budget(requested, taken, activation, graphs, other, kv_cache)


def _sum(terms: tuple[Term, ...], part: Part) -> int:
    """Bytes of a part's terms; a combination that no start-up showed counts as its neighbour."""
    return sum(int(_constant(term.name) * term.scale * GIB) for term in terms if term.part == part)


def _constant(name: str) -> float:
    if name in CONSTANTS_GIB:
        return CONSTANTS_GIB[name]
    return CONSTANTS_GIB[name.replace("since 0.17", "since 0.10")]


def _band(best: int, low_share: float, high_share: float) -> Band:
    return Band(int(best * low_share), best, int(best * high_share))
