"""What every kind of cache answers: its page, and how many a request takes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

from mixvllm.memory.serving import Request

CacheKind = Literal[
    "full_attention",
    "sliding_window",
    "chunked_local",
    "latent_attention",
    "latent_window",
    "sparse_index",
    "recurrent_state",
    "cross_attention",
]


def blocks(tokens: int, block_size: int) -> int:
    """Blocks that hold so many tokens: the last one may be partly empty."""
    return -(-tokens // block_size)


@dataclass(frozen=True, kw_only=True)
class LayerCache(ABC):
    """The cache of one layer on one rank; layers with equal ones may share a block table.

    Attributes:
        block_size: Tokens of one block.
        padded_page_bytes: Bytes that a page is stretched to, or None.
    """

    kind: ClassVar[CacheKind]

    block_size: int
    padded_page_bytes: int | None = None

    @property
    @abstractmethod
    def natural_page_bytes(self) -> int:
        """Bytes of one block in this layer, without padding."""

    @property
    def page_bytes(self) -> int:
        """Bytes of one block in this layer."""
        return self.padded_page_bytes or self.natural_page_bytes

    @property
    @abstractmethod
    def family(self) -> Hashable:
        """Equal for layers that need the same number of blocks, and so may be one group."""

    @abstractmethod
    def blocks_per_request(self, request: Request) -> int:
        """Blocks that one request at its longest holds."""

    def padded(self, page_bytes: int) -> Self:
        """The same with pages stretched to `page_bytes`."""
        return replace(self, padded_page_bytes=page_bytes)


@dataclass(frozen=True, kw_only=True)
class TokenCache(LayerCache):
    """A cache that stores something for every token, so that a page grows with the block."""

    @property
    @abstractmethod
    def token_bytes(self) -> int:
        """Bytes of one token in this layer."""

    @property
    def natural_page_bytes(self) -> int:
        """Bytes of one block: its tokens."""
        return self.block_size * self.token_bytes


@dataclass(frozen=True)
class Heads:
    """The KV heads of a layer on one rank.

    Attributes:
        count: How many.
        key_size: Elements of a key.
        value_size: Elements of a value.
        dtype: What they are stored in.
        bytes_each: Bytes of one token's key and value in one head.
    """

    count: int
    key_size: int
    value_size: int
    dtype: str
    bytes_each: int


@dataclass(frozen=True, kw_only=True)
class HeadCache(TokenCache):
    """Keys and values of the KV heads on this rank."""

    heads: Heads

    @property
    def token_bytes(self) -> int:
        """Every head's key and value."""
        return self.heads.count * self.heads.bytes_each
