"""From vLLM's cache specs to the numbers that it prints, by its own functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mixvllm.vllm_internals.symbols import Symbol

# 0.33 first: it has split the planner from the block pool's utilities.
PLANNING = ("vllm.v1.core.kv_cache_planning", "vllm.v1.core.kv_cache_utils")
BUILDER = ("vllm.v1.core.kv_cache_config_builder", *PLANNING)
GET_CONFIGS = Symbol("get_kv_cache_configs", BUILDER)
SCHEDULER_CONFIG = Symbol("generate_scheduler_kv_cache_config", BUILDER)
CAPACITY = Symbol("get_kv_cache_capacity", BUILDER)
# The layout of FlashAttention, outermost the layer.
USUAL_LAYOUT = "LBNHC"


@dataclass(frozen=True)
class PlannerSettings:
    """The settings of a request.

    Attributes:
        max_model_len: Tokens of the longest request; None for the model's own.
        batches_in_flight: Batches at once, or None for what the settings imply.
        trust_remote_code: Run the code that the checkpoint brings.
        imitate_cuda: Plan as on CUDA; False plans as the CPU build does.
        backend_block_size: The only block size of the imitated backend, or None.
    """

    max_model_len: int | None = None
    max_num_batched_tokens: int = 8192
    max_num_seqs: int = 1024
    dtype: str = "auto"
    quantization: str | None = None
    trust_remote_code: bool = False
    kv_cache_dtype: str = "auto"
    block_size: int | None = None
    backend_block_size: int | None = None
    tensor_parallel_size: int = 1
    pipeline_parallel_size: int = 1
    pipeline_partition: tuple[int, ...] | None = None
    decode_context_parallel_size: int = 1
    enable_prefix_caching: bool = True
    async_scheduling: bool = True
    batches_in_flight: int | None = None
    hybrid_manager: bool | None = None
    mamba_cache_dtype: str = "auto"
    mamba_ssm_cache_dtype: str = "auto"
    imitate_cuda: bool = True

    @property
    def batches(self) -> int:
        """Batches at once: one a stage, one more with async scheduling, never on the CPU."""
        if self.batches_in_flight is not None:
            return self.batches_in_flight
        return self.pipeline_parallel_size + (self.async_scheduling and self.imitate_cuda)


@dataclass(frozen=True)
class PlannerAnswer:
    """What vLLM planned. Bytes are those of one rank, the most loaded.

    Attributes:
        refusal: vLLM's words if it would not start; the numbers below are None then.
        groups: Layers and block size of each group.
        weights_bytes: Bytes of the parameters on one rank; None without a model.
        parameters: Their number; None likewise, and where several are packed in one element.
    """

    refusal: str | None = None
    block_size: int | None = None
    bytes_per_block: int | None = None
    num_blocks: int | None = None
    blocks_per_request: int | None = None
    bytes_per_request: int | None = None
    tokens: int | None = None
    max_concurrency: float | None = None
    groups: tuple[tuple[int, int], ...] = ()
    weights_bytes: int | None = None
    parameters: int | None = None


def capacity(
    config: Any,
    settings: PlannerSettings,
    specs: Sequence[dict[str, Any]],
    available: int | Sequence[int],
    *,
    weights_bytes: int | None = None,
    parameters: int | None = None,
    layout: str = USUAL_LAYOUT,
) -> PlannerAnswer:
    """Let vLLM plan for the specs of each pipeline stage, by layer name.

    `weights_bytes` and `parameters` are passed on; `layout` is vLLM's name for the order of the
    pool's dimensions.
    """
    config.cache_config.kv_cache_layout = layout
    config.parallel_config.decode_context_parallel_size = settings.decode_context_parallel_size
    pools = [available] * len(specs) if isinstance(available, int) else list(available)
    with concurrent_batches(config, settings.batches):
        try:
            stages = GET_CONFIGS.load()(config, [dict(stage) for stage in specs], pools)
        except ValueError as error:
            return PlannerAnswer(
                refusal=str(error), weights_bytes=weights_bytes, parameters=parameters
            )
        scheduler = SCHEDULER_CONFIG.load()(stages)
        tokens, concurrency = CAPACITY.load()(config, scheduler)
        blocks = request_blocks(config, scheduler)
    per_block = max(bytes_per_block(stage) for stage in stages)
    groups = scheduler.kv_cache_groups
    return PlannerAnswer(
        block_size=min(group.kv_cache_spec.block_size for group in groups),
        bytes_per_block=per_block,
        num_blocks=scheduler.num_blocks,
        blocks_per_request=blocks,
        bytes_per_request=blocks * per_block,
        tokens=tokens,
        max_concurrency=concurrency,
        groups=tuple(
            (sum(len(part.layer_names) for part in parts), parts[0].kv_cache_spec.block_size)
            for parts in zip(*(stage.kv_cache_groups for stage in stages), strict=True)
        ),
        weights_bytes=weights_bytes,
        parameters=parameters,
    )


def bytes_per_block(stage: Any) -> int:
    """Bytes of one block of a stage's pool: all its tensors lie in one allocation."""
    size: int = max(tensor.size for tensor in stage.kv_cache_tensors)
    blocks: int = stage.num_blocks
    return size // blocks


def request_blocks(config: Any, scheduler: Any) -> int:
    """Blocks of one request: the need of each group in whole pages."""
    return sum(
        -(-spec.max_memory_usage_bytes(config) // spec.page_size_bytes)
        for spec in (group.kv_cache_spec for group in scheduler.kv_cache_groups)
    )


@contextmanager
def concurrent_batches(config: Any, batches: int) -> Iterator[None]:
    """Let vLLM count so many batches in flight; the CPU build has one."""
    owner = type(config)
    own = owner.max_concurrent_batches
    owner.max_concurrent_batches = property(lambda _: batches)
    try:
        yield
    finally:
        owner.max_concurrent_batches = own
