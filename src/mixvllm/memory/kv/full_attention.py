"""Full attention: the keys and values of every token stay."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar

from mixvllm.memory.kv.layer_cache import CacheKind, HeadCache, LayerCache, blocks
from mixvllm.memory.serving import Request


class EveryTokenCache(LayerCache):
    """A cache that keeps every token; latent attention and its indexer do so too."""

    @property
    def family(self) -> Hashable:
        """Every token, whatever is kept of it."""
        return "every token"

    def blocks_per_request(self, request: Request) -> int:
        """Blocks for the whole length.

        Decode context parallelism deals the tokens over its ranks, so that each rank holds
        `ceil(length / ranks)` of them.
        """
        return blocks(blocks(request.length, request.context_parallel), self.block_size)


@dataclass(frozen=True, kw_only=True)
class FullAttentionCache(EveryTokenCache, HeadCache):
    """Keys and values of every token: MHA, GQA, MQA."""

    kind: ClassVar[CacheKind] = "full_attention"
