"""Chunked local attention (Llama 4): the tokens of the current chunk stay."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar

from mixvllm.errors import EstimateError
from mixvllm.memory.kv.layer_cache import CacheKind, HeadCache, blocks
from mixvllm.memory.serving import Request


def chunk_blocks(request: Request, chunk: int, block_size: int) -> int:
    """Blocks of a request that sees one chunk.

    At most a chunk and the tokens in flight are held. Chunks begin where blocks do, so there is
    no block more, unlike a sliding window.

    Raises:
        EstimateError: the tokens are dealt over ranks, which is not modelled for chunks.
    """
    if request.context_parallel > 1:
        raise EstimateError(
            "Decode context parallelism with chunked local attention is not modelled.",
            hint="Set --decode-context-parallel-size to 1.",
        )
    return blocks(min(chunk + request.in_flight_tokens, request.length), block_size)


@dataclass(frozen=True, kw_only=True)
class ChunkedLocalCache(HeadCache):
    """Keys and values of the tokens in the current chunk."""

    kind: ClassVar[CacheKind] = "chunked_local"

    chunk: int

    @property
    def family(self) -> Hashable:
        """Chunks of one size."""
        return (self.kind, self.chunk)

    def blocks_per_request(self, request: Request) -> int:
        """Blocks for the chunk and what is in flight."""
        return chunk_blocks(request, self.chunk, self.block_size)
