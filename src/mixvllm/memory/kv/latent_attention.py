"""Multi-head latent attention (MLA): one compressed vector a token, the same on every rank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mixvllm.memory.dtypes import element_bytes, index_key_bytes, latent_bytes
from mixvllm.memory.kv.full_attention import EveryTokenCache
from mixvllm.memory.kv.layer_cache import CacheKind, TokenCache


@dataclass(frozen=True, kw_only=True)
class LatentCache(EveryTokenCache, TokenCache):
    """The compressed vector of every token; tensor parallelism does not divide it.

    Attributes:
        size: Elements of the vector: latent and rotary part.
        leads_index: Whether a sparse indexer belongs to the layer.
    """

    kind: ClassVar[CacheKind] = "latent_attention"

    size: int
    dtype: str
    leads_index: bool = False

    @property
    def token_bytes(self) -> int:
        """One vector in the cache's format."""
        return latent_bytes(self.size, self.dtype)


@dataclass(frozen=True, kw_only=True)
class IndexCache(EveryTokenCache, TokenCache):
    """The sparse indexer's keys, a layer of their own in the latent layers' group."""

    kind: ClassVar[CacheKind] = "sparse_index"

    size: int

    @property
    def token_bytes(self) -> int:
        """One 8-bit key with its scales, whatever the format of the latent vectors."""
        return index_key_bytes(self.size)


@dataclass(frozen=True, kw_only=True)
class PlainIndexCache(EveryTokenCache, TokenCache):
    """The index keys of block-sparse attention (MiniMax-M3), in 16 bits whatever the cache's."""

    kind: ClassVar[CacheKind] = "sparse_index"

    size: int

    @property
    def token_bytes(self) -> int:
        """One key for all heads."""
        return self.size * element_bytes("bfloat16")
