"""DeepSeek-V4: windows of latent vectors, compressed ones before them, states of the compressors.

Every cache is a record of bytes for so many tokens. Pages are rounded up to what the kernels
stride by, and lie side by side in a block of the pool (`memory/kv/packing.py`).
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from mixvllm.memory.dtypes import index_key_bytes
from mixvllm.memory.kv.full_attention import EveryTokenCache
from mixvllm.memory.kv.layer_cache import CacheKind, LayerCache, blocks
from mixvllm.memory.kv.sliding_window import window_blocks
from mixvllm.memory.serving import Request
from mixvllm.models.description import CompressedLatent

# One token in the packed 8-bit format: 448 bytes, 64 rotary numbers in 16 bits, 8 bytes of scales.
RECORD_BYTES = 584
PAGE_ALIGNMENT = 576
WINDOW_BLOCK = 64
# Tokens in a block of a compressor's states, by the ratio of compression.
STATE_BLOCKS = {4: 4, 128: 8}
# Compression by 4 lets its groups overlap, so that a state spans two of them.
OVERLAPPING_RATIO = 4
FLOAT32_BYTES = 4


@dataclass(frozen=True, kw_only=True)
class CompressedCache(EveryTokenCache):
    """A record for every `ratio` tokens: compressed vectors, or keys of the sparse indexer.

    Attributes:
        record_bytes: Bytes of one record.
        ratio: Tokens that it stands for.
        keys: Whether the records are the indexer's.
    """

    kind: ClassVar[CacheKind] = "latent_attention"

    record_bytes: int
    ratio: int
    keys: bool = False

    @property
    def token_bytes(self) -> Fraction:
        """A token's share of a page."""
        return Fraction(self.page_bytes, self.block_size)

    @property
    def natural_page_bytes(self) -> int:
        """The records of one block."""
        return self.block_size // self.ratio * self.record_bytes


@dataclass(frozen=True, kw_only=True)
class LatentWindowCache(LayerCache):
    """A record for each of the last tokens: plain vectors, or what a compressor still needs.

    Attributes:
        record_bytes: Bytes of one token.
        window: How many tokens stay.
    """

    kind: ClassVar[CacheKind] = "latent_window"

    record_bytes: int
    window: int

    @property
    def natural_page_bytes(self) -> int:
        """The tokens of one block."""
        return self.block_size * self.record_bytes

    @property
    def family(self) -> Hashable:
        """Windows of one size."""
        return (self.kind, self.window)

    def blocks_per_request(self, request: Request) -> int:
        """Blocks for the window and what is in flight."""
        return window_blocks(request, self.window, self.block_size)


def compressed_caches(layer: CompressedLatent, block_size: int) -> tuple[LayerCache, ...]:
    """The caches of one layer, the same on every rank.

    Its window; with compression the compressed vectors and its compressor's states; with an
    indexer the keys and the states of theirs.
    """
    window = LatentWindowCache(
        block_size=WINDOW_BLOCK, record_bytes=RECORD_BYTES, window=layer.window
    )
    caches: list[LayerCache] = [window]
    if layer.ratio > 1:
        vectors = CompressedCache(
            block_size=block_size, record_bytes=RECORD_BYTES, ratio=layer.ratio
        )
        caches += [vectors, compressor_states(layer.size, layer.ratio)]
    if layer.indexer_size is not None:
        keys = CompressedCache(
            block_size=block_size,
            record_bytes=index_key_bytes(layer.indexer_size),
            ratio=layer.ratio,
            keys=True,
        )
        caches += [keys, compressor_states(layer.indexer_size, layer.ratio)]
    return tuple(aligned(cache) for cache in caches)


def compressor_states(size: int, ratio: int) -> LatentWindowCache:
    """What a compressor keeps of each token until its group is whole: a vector and its scores.

    `2 x groups x size` numbers in float32, where groups that overlap count twice.
    """
    groups = 1 + (ratio == OVERLAPPING_RATIO)
    return LatentWindowCache(
        block_size=STATE_BLOCKS[ratio],
        record_bytes=2 * groups * size * FLOAT32_BYTES,
        window=groups * ratio,
    )


def aligned(cache: LayerCache) -> LayerCache:
    """The cache with its page rounded up to the kernels' stride."""
    page = blocks(cache.natural_page_bytes, PAGE_ALIGNMENT) * PAGE_ALIGNMENT
    return cache if page == cache.natural_page_bytes else cache.padded(page)
