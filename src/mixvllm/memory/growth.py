"""How a request's cache, and the number of requests at once, change with its length."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from mixvllm.memory.kv.layer_cache import CacheKind
from mixvllm.memory.kv.pool import starts_with
from mixvllm.memory.planned import Planned, planned_as_asked
from mixvllm.memory.request import EstimateRequest
from mixvllm.memory.serving import longest_request
from mixvllm.models.description import ModelDescription
from mixvllm.models.weights.groups import WeightFacts

# Lengths in equal steps up to the model's context: enough for a wide terminal.
POINTS = 128


@dataclass(frozen=True)
class GrowthPoint:
    """One request of some length.

    Attributes:
        tokens: Its length.
        bytes_per_kind: Its cache on the most loaded GPU, by the kind of layers.
        max_concurrency: As many fit, as vLLM computes it; None where no pool is known.
        fits: Whether vLLM starts with this length; None likewise.
    """

    tokens: int
    bytes_per_kind: dict[CacheKind, int]
    max_concurrency: float | None
    fits: bool | None

    @property
    def size_bytes(self) -> int:
        """All its cache on the most loaded GPU."""
        return sum(self.bytes_per_kind.values())


@dataclass(frozen=True)
class Growth:
    """Requests up to the model's context, and what is asked for.

    Attributes:
        points: Lengths in equal steps, the longest last.
        asked_tokens: The longest request that is asked for.
        pool_bytes: The KV cache on each GPU, or None where it is not known.
        longest_that_fits: With it vLLM starts; None likewise.
    """

    points: tuple[GrowthPoint, ...]
    asked_tokens: int
    pool_bytes: int | None
    longest_that_fits: int | None


def growth(
    checkpoint: ModelDescription, weights: WeightFacts | None, request: EstimateRequest
) -> Growth:
    """The growth of a model's cache, up to the longest request that it may be asked for.

    Raises:
        EstimateError: vLLM would refuse the settings, or what they ask for is not modelled.
    """
    _, _, now = planned_as_asked(checkpoint, weights, request)
    longest = now.longest_allowed
    lengths = dict.fromkeys(-(-longest * step // POINTS) for step in range(1, POINTS + 1))
    is_known = now.pool_bytes is not None
    return Growth(
        points=tuple(_point(now, tokens) for tokens in lengths),
        asked_tokens=now.serving.max_model_len,
        pool_bytes=now.pool_bytes,
        longest_that_fits=now.plan.max_model_len_that_fits if is_known else None,
    )


def _point(now: Planned, tokens: int) -> GrowthPoint:
    request = longest_request(now.serving, tokens)
    blocks: Counter[CacheKind] = Counter()
    for group in now.groups:
        blocks[group.first.kind] += group.blocks_per_request(request)
    sizes = {kind: count * now.plan.bytes_per_block for kind, count in blocks.items()}
    if now.pool_bytes is None:
        return GrowthPoint(tokens, sizes, None, None)
    fits = starts_with(now.groups, now.serving, now.plan.ranks, tokens)
    return GrowthPoint(tokens, sizes, now.plan.num_blocks / blocks.total(), fits)
