"""Sliding-window attention: the last tokens stay, and everything that is in flight."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar

from mixvllm.errors import EstimateError
from mixvllm.memory.kv.layer_cache import CacheKind, HeadCache, blocks
from mixvllm.memory.serving import Request


def window_blocks(request: Request, window: int, block_size: int) -> int:
    """Blocks of a request whose tokens leave a window.

    `window - 1` settled tokens are still seen by the next one; blocks are given back only when
    a batch has settled, so the tokens in flight stay beside them. Never more than the request
    has. One more block, for the window need not begin where a block does.

    Raises:
        EstimateError: the tokens are dealt over ranks, which vLLM has not for windows.
    """
    if request.context_parallel > 1:
        raise EstimateError(
            "Decode context parallelism is not for models with sliding-window layers.",
            hint="Set --decode-context-parallel-size to 1.",
        )
    return blocks(min(window - 1 + request.in_flight_tokens, request.length), block_size) + 1


@dataclass(frozen=True, kw_only=True)
class SlidingWindowCache(HeadCache):
    """Keys and values of the last `window` tokens."""

    kind: ClassVar[CacheKind] = "sliding_window"

    window: int

    @property
    def family(self) -> Hashable:
        """Windows of one size."""
        return (self.kind, self.window)

    def blocks_per_request(self, request: Request) -> int:
        """Blocks for the window and what is in flight."""
        return window_blocks(request, self.window, self.block_size)
