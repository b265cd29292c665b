"""What a loaded engine says of itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EngineFacts:
    """What a loaded engine says of itself.

    Attributes:
        max_model_len: The longest context in tokens.
        kv_cache_tokens: The size of the KV cache in tokens.
        kv_cache_max_concurrency: How many requests of the longest context fit at once.
    """

    max_model_len: int | None = None
    kv_cache_tokens: int | None = None
    kv_cache_max_concurrency: float | None = None
