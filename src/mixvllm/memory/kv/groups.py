"""Groups of layers that share a block table, as vLLM's planner forms them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from mixvllm.errors import EstimateError
from mixvllm.memory.kv.layer_cache import LayerCache, blocks
from mixvllm.memory.kv.pages import are_one_group, with_equal_pages, without_windows
from mixvllm.memory.kv.sliding_window import SlidingWindowCache
from mixvllm.memory.rules import Rules
from mixvllm.memory.serving import Request


@dataclass(frozen=True)
class Member:
    """One layer in a group.

    Attributes:
        stage: Its pipeline stage.
        cache: Its cache, pages made equal.
    """

    stage: int
    cache: LayerCache


@dataclass(frozen=True)
class Group:
    """Layers that share a block table: a block of it is one page in each.

    Attributes:
        members: The layers.
        padding_layers: Layers that it has fewer than the largest group.
    """

    members: tuple[Member, ...]
    padding_layers: int = 0

    @property
    def first(self) -> LayerCache:
        """Any layer: all need the same number of blocks."""
        return self.members[0].cache

    def bytes_per_block(self, stage: int) -> int:
        """Bytes of one block on a stage's rank: a page for each of its layers."""
        return self._stage_bytes[stage]

    @cached_property
    def _stage_bytes(self) -> Counter[int]:
        sizes: Counter[int] = Counter()
        for member in self.members:
            sizes[member.stage] += member.cache.page_bytes
        return sizes

    @cached_property
    def unlike(self) -> tuple[LayerCache, ...]:
        """Its caches, equal ones once."""
        return tuple(dict.fromkeys(member.cache for member in self.members))

    def blocks_per_request(self, request: Request) -> int:
        """Blocks that one request takes of this table."""
        return max(cache.blocks_per_request(request) for cache in self.unlike)


def form_groups(members: Sequence[Member], rules: Rules, *, hybrid_manager: bool) -> list[Group]:
    """The groups of a model, over all pipeline stages.

    Layers of one kind are one group, whatever their pages. Else pages are made equal and equal
    layers dealt into groups of one size.

    Raises:
        EstimateError: vLLM could not plan such a mixture.
    """
    caches = [member.cache for member in members]
    if not hybrid_manager:
        caches = without_windows(caches)
    if not are_one_group(caches):
        equal = with_equal_pages(caches, rules)
        if equal is not None:
            return deal(regrouped(members, equal), rules)
        if not any(isinstance(cache, SlidingWindowCache) for cache in caches):
            raise EstimateError("vLLM cannot make the pages of these layers equal.")
        caches = without_windows(caches)
    return [Group(tuple(regrouped(members, caches)))]


def regrouped(members: Sequence[Member], caches: Sequence[LayerCache]) -> list[Member]:
    """The same layers with other caches."""
    return [Member(member.stage, cache) for member, cache in zip(members, caches, strict=True)]


def deal(members: Sequence[Member], rules: Rules) -> list[Group]:
    """Groups of one size from buckets of equal layers.

    The size is that of the smallest bucket, so that a pattern of five to one becomes six groups;
    where the largest bucket is less than half again as large, it is the largest's. A bucket's
    layers are dealt in turn, for that each pipeline stage has some of each.
    """
    buckets: dict[LayerCache, list[Member]] = {}
    for member in members:
        buckets.setdefault(member.cache, []).append(member)
    sizes = [len(bucket) for bucket in buckets.values()]
    size = min(sizes)
    if rules.levels_groups and 2 * max(sizes) < 3 * min(sizes):
        size = max(sizes)
    groups = []
    for bucket in buckets.values():
        count = blocks(len(bucket), size)
        for first in range(count):
            dealt = tuple(bucket[first::count])
            groups.append(Group(dealt, size - len(dealt)))
    return groups
