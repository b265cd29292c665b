"""Unlike pages side by side in one block: how vLLM groups layers of block-outermost layouts.

Nothing is padded to equal pages. Layers with the same kind of need are one bucket, and a bucket
that would make the block wider than the others need is split into groups with tables of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mixvllm.memory.kv.compressed_latent import LatentWindowCache
from mixvllm.memory.kv.groups import Group, Member
from mixvllm.memory.kv.layer_cache import blocks
from mixvllm.memory.kv.recurrent_state import StateCache
from mixvllm.memory.kv.sliding_window import SlidingWindowCache


@dataclass(frozen=True)
class Bucket:
    """Layers that one block table could serve.

    Attributes:
        pages: The layers by the bytes of their page.
    """

    pages: dict[int, list[Member]]

    @property
    def members(self) -> list[Member]:
        """All its layers."""
        return [member for members in self.pages.values() for member in members]

    @property
    def repeats(self) -> int:
        """Layers of the page that most have."""
        return max(map(len, self.pages.values()))

    @property
    def is_balanced(self) -> bool:
        """Whether every page is there as often: a pattern of layers that repeats."""
        return len(set(map(len, self.pages.values()))) == 1

    def is_state(self, repeats: int | None) -> bool:
        """Whether it may be split down to single layers: states, and windows without a pattern."""
        first = self.members[0].cache
        windows = isinstance(first, SlidingWindowCache | LatentWindowCache)
        return isinstance(first, StateCache) or (repeats is None and windows)

    def groups_by(self, repeats: int | None) -> int:
        """Groups of at most so many repeats; one where it is no pattern."""
        return blocks(self.repeats, repeats) if self.is_balanced and repeats else 1

    def widest_group_bytes(self, groups: int) -> int:
        """Bytes of a block in the largest of so many groups."""
        return sum(blocks(len(members), groups) * page for page, members in self.pages.items())


def packed_groups(members: Sequence[Member]) -> list[Group]:
    """The groups of a block-outermost layout, over all pipeline stages."""
    buckets = bucketed(members)
    repeats = repeats_per_group(buckets)
    anchor = max(
        bucket.widest_group_bytes(
            len(bucket.members) if bucket.is_state(repeats) else bucket.groups_by(repeats)
        )
        for bucket in buckets
    )
    groups = []
    for bucket in buckets:
        count = bucket.groups_by(repeats)
        if bucket.is_state(repeats):
            fitting = max(1, anchor // bucket.members[0].cache.page_bytes)
            count = max(count, blocks(len(bucket.members), fitting))
        groups += split(bucket, count)
    return groups


def bucketed(members: Sequence[Member]) -> list[Bucket]:
    """The layers by kind of need and block size, in the order in which they come."""
    buckets: dict[object, dict[int, list[Member]]] = {}
    for member in members:
        pages = buckets.setdefault((member.cache.family, member.cache.block_size), {})
        pages.setdefault(member.cache.page_bytes, []).append(member)
    return [Bucket(pages) for pages in buckets.values()]


def repeats_per_group(buckets: Sequence[Bucket]) -> int | None:
    """Repeats of a pattern that one group has; None where no pattern mixes pages.

    The number with the least padding over all patterns, the larger of two that are as good, and
    no less than the largest pattern that mixes pages has, for such a one stays whole.
    """
    balanced = [bucket for bucket in buckets if bucket.is_balanced]
    least = max((bucket.repeats for bucket in balanced if len(bucket.pages) > 1), default=0)
    if not least:
        return None
    repeats = [bucket.repeats for bucket in balanced]
    sizes = range(least, max(least, *repeats) + 1)
    return min(sizes, key=lambda size: (sum(-each % size for each in repeats), -size))


def split(bucket: Bucket, count: int) -> list[Group]:
    """A bucket in so many groups, repeats of its pattern dealt in turn."""
    if count == 1:
        return [Group(tuple(bucket.members))]
    repeats = list(zip(*bucket.pages.values(), strict=False))
    return [
        Group(tuple(member for repeat in repeats[first::count] for member in repeat))
        for first in range(count)
    ]
