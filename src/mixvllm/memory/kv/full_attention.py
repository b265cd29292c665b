"""Full attention: the keys and values of every token stay."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar

from mixvllm.memory.kv.layer_cache import CacheKind, HeadCache, blocks
from mixvllm.memory.serving import Request

# Latent attention and its indexer keep every token too, so they are of the same family.
EVERY_TOKEN = "every token"


def full_blocks(request: Request, block_size: int) -> int:
    """Blocks of a request that keeps every token.

    Decode context parallelism deals the tokens over its ranks, so that each rank holds
    `ceil(length / ranks)` of them.
    """
    return blocks(blocks(request.length, request.context_parallel), block_size)


@dataclass(frozen=True, kw_only=True)
class FullAttentionCache(HeadCache):
    """Keys and values of every token: MHA, GQA, MQA."""

    kind: ClassVar[CacheKind] = "full_attention"

    @property
    def family(self) -> Hashable:
        """Every token, whatever the heads."""
        return EVERY_TOKEN

    def blocks_per_request(self, request: Request) -> int:
        """Blocks for the whole length."""
        return full_blocks(request, self.block_size)
