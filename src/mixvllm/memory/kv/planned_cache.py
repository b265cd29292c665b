"""What vLLM's planner decides: groups of layers, the pool of each stage, and what it prints."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class KvGroup:
    """Layers that share a block table.

    Attributes:
        kind: The kind of its first layer.
        layers: How many layers; an indexer counts as one.
        block_size: Tokens of one block.
        page_bytes: Bytes of one block in its largest layer.
        natural_page_bytes: The same without padding.
        bytes_per_block: Bytes of one block in all its layers, on the most loaded rank.
        blocks_per_request: Blocks that one request at full length takes.
        padding_layers: Layers that it lacks to the size of the others; their bytes are lost.
    """

    kind: str
    layers: int
    block_size: int
    page_bytes: int
    natural_page_bytes: int
    bytes_per_block: int
    blocks_per_request: int
    padding_layers: int


@dataclass(frozen=True)
class KvRank:
    """The ranks of one pipeline stage.

    Attributes:
        layers: Layers with a cache.
        bytes_per_block: Bytes of one block of the pool.
        available_bytes: The pool.
        num_blocks: Blocks that it has by itself; all stages use the fewest of any.
    """

    layers: int
    bytes_per_block: int
    available_bytes: int
    num_blocks: int


@dataclass(frozen=True)
class KvPlan:
    """What vLLM plans and prints. Bytes are those of one rank, the most loaded.

    Attributes:
        dtype: The format of the cache, resolved.
        block_size: What vLLM reports as block size.
        groups: The groups of layers.
        ranks: One entry for each pipeline stage.
        bytes_per_block: Bytes of one block of the pool.
        num_blocks: Blocks of the pool.
        blocks_per_request: Blocks of one request at full length.
        bytes_per_request: Bytes of them.
        needed_bytes: The smallest pool with which vLLM starts at this length.
        max_concurrency: Requests at full length that fit, as vLLM computes it.
        tokens: vLLM's "KV cache size".
        fits: Whether vLLM would start.
        max_model_len_that_fits: The longest length with which it starts, up to the model's own
            or the asked one; 0 if none.
        warnings: What will go wrong although it fits.
    """

    dtype: str
    block_size: int
    groups: tuple[KvGroup, ...]
    ranks: tuple[KvRank, ...]
    bytes_per_block: int
    num_blocks: int
    blocks_per_request: int
    bytes_per_request: int
    needed_bytes: int
    max_concurrency: float
    tokens: int
    fits: bool
    max_model_len_that_fits: int
    warnings: tuple[str, ...]
