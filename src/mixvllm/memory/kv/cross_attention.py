"""Cross-attention: the encoder's keys and values stay, whatever the decoder's length."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar

from mixvllm.memory.kv.layer_cache import CacheKind, HeadCache, blocks
from mixvllm.memory.serving import Request


@dataclass(frozen=True, kw_only=True)
class CrossAttentionCache(HeadCache):
    """Keys and values of the encoder's tokens."""

    kind: ClassVar[CacheKind] = "cross_attention"

    encoder_tokens: int

    @property
    def family(self) -> Hashable:
        """Encoders of one length."""
        return (self.kind, self.encoder_tokens)

    def blocks_per_request(self, request: Request) -> int:
        """Blocks for all that the encoder may hand over at once."""
        return blocks(self.encoder_tokens, self.block_size)
