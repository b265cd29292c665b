"""How a model is served, as far as the cache is concerned, and what follows at once from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mixvllm.errors import EstimateError
from mixvllm.memory.rules import NEWEST, RELEASES, Rules
from mixvllm.models.description import Layer

Platform = Literal["cuda", "cpu"]


@dataclass(frozen=True)
class ServingFacts:
    """The settings that move the numbers.

    Attributes:
        max_model_len: Tokens of the longest request.
        max_num_batched_tokens: Tokens of one batch.
        max_num_seqs: Sequences that run together.
        kv_cache_dtype: `auto` or a format of `memory/dtypes.py`.
        block_size: `--block-size`, or None.
        backend_block_size: Block size that the GPU's attention backend prefers, where that is
            not the platform's usual one; None for the usual.
        sparse_records: Whether sparse MLA keeps 8-bit formats in FlashMLA's packed records; False
            where FlashInfer serves it (Blackwell), which keeps plain vectors.
        mxfp4_steps: Multiples to which the GPU's kernels for MXFP4 experts pad their inner and
            outer sizes; the default is what Hopper's do, by start-up logs.
        enable_prefix_caching: Whether finished prompts stay in the cache.
        async_scheduling: Whether the next batch is scheduled before the last has ended.
        batches_in_flight: Batches at once, where that is not what the settings imply.
        pooling: Whether the server embeds or classifies: it loads no output layer, samples nothing
            and schedules one batch at a time.
        hybrid_manager: False under `--disable-hybrid-kv-cache-manager`; None is the default.
        full_cuda_graphs: False under `--enforce-eager`.
        mamba_cache_dtype: Dtype of convolution states, `auto` for the model's.
        mamba_ssm_cache_dtype: Dtype of recurrent states, `auto` for what the model asks.
        speculative_tokens: Draft tokens of one step.
        draft_layers: Layers of the draft head, after the model's.
        pipeline_partition: Decoder layers of each stage, or None for vLLM's split.
        rules: The release of vLLM that is modelled.
    """

    max_model_len: int
    max_num_batched_tokens: int = 8192
    max_num_seqs: int = 1024
    kv_cache_dtype: str = "auto"
    block_size: int | None = None
    backend_block_size: int | None = None
    sparse_records: bool = True
    mxfp4_steps: tuple[int, int] = (256, 1)
    tensor_parallel_size: int = 1
    pipeline_parallel_size: int = 1
    decode_context_parallel_size: int = 1
    enable_prefix_caching: bool = True
    async_scheduling: bool = True
    batches_in_flight: int | None = None
    pooling: bool = False
    hybrid_manager: bool | None = None
    full_cuda_graphs: bool = True
    mamba_cache_dtype: str = "auto"
    mamba_ssm_cache_dtype: str = "auto"
    speculative_tokens: int = 0
    draft_layers: tuple[Layer, ...] = ()
    pipeline_partition: tuple[int, ...] | None = None
    platform: Platform = "cuda"
    rules: Rules = field(default=RELEASES[NEWEST])

    def __post_init__(self) -> None:
        """Refuse sizes that no server can have."""
        for name in (
            "max_model_len",
            "max_num_batched_tokens",
            "max_num_seqs",
            "tensor_parallel_size",
            "pipeline_parallel_size",
            "decode_context_parallel_size",
            "block_size",
            "backend_block_size",
            "batches_in_flight",
        ):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise EstimateError(f"{name} must be at least 1, not {value}.")


@dataclass(frozen=True)
class Request:
    """One request at its longest, with what else holds cache beside it.

    Attributes:
        length: Its tokens.
        in_flight_tokens: Tokens that are scheduled and not yet settled; the blocks that a
            window has left behind are given back only after them.
        context_parallel: Ranks that share its tokens.
    """

    length: int
    in_flight_tokens: int
    context_parallel: int = 1


def concurrent_batches(serving: ServingFacts) -> int:
    """Batches at once: one a pipeline stage, and with async scheduling the next one.

    The CPU build has no async scheduling, and pooling has none by default. Before 0.26 vLLM
    counted one batch.
    """
    if not serving.rules.counts_concurrent_batches:
        return 1
    if serving.batches_in_flight is not None:
        return serving.batches_in_flight
    is_async = serving.async_scheduling and serving.platform != "cpu" and not serving.pooling
    return serving.pipeline_parallel_size + is_async


def longest_request(serving: ServingFacts, length: int) -> Request:
    """A request of `length` tokens under these settings."""
    return Request(
        length=length,
        in_flight_tokens=concurrent_batches(serving) * serving.max_num_batched_tokens,
        context_parallel=serving.decode_context_parallel_size,
    )


def divided(value: int, serving: ServingFacts, name: str) -> int:
    """A size split over the tensor-parallel ranks.

    Raises:
        EstimateError: it does not divide; vLLM would refuse it too.
    """
    ranks = serving.tensor_parallel_size
    if value % ranks:
        raise EstimateError(
            f"{value} {name} cannot be divided over {ranks} tensor-parallel ranks.",
            code="tensor-parallel-size",
        )
    return value // ranks


def local_kv_heads(total: int, serving: ServingFacts) -> int:
    """KV heads on one rank: divided, and replicated where there are fewer than ranks.

    Raises:
        EstimateError: neither number divides the other.
    """
    ranks = serving.tensor_parallel_size
    if total < 1:
        raise EstimateError(f"A layer has {total} KV heads.")
    if max(total, ranks) % min(total, ranks):
        raise EstimateError(
            f"{total} KV heads cannot be divided over {ranks} ranks.", code="tensor-parallel-size"
        )
    return max(1, total // ranks)
