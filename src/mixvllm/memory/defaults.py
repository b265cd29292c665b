"""What vLLM takes for the settings that are not given, where they move the memory."""

from __future__ import annotations

from dataclasses import dataclass

from mixvllm.errors import EstimateError
from mixvllm.memory.gpu_table import Gpu
from mixvllm.memory.rules import Rules
from mixvllm.models.description import ModelDescription
from mixvllm.sizes import GIB

LARGE_GPU_BYTES = 70 * GIB
LARGEST_GPU_BYTES = 160 * GIB
# The release whose API server doubled the batch for the largest GPUs.
LARGEST_TIER_SINCE = (0, 28)
# Multiples for MXFP4 experts, inner and outer: Triton's layout on Hopper by start-up logs, Marlin's
# and TensorRT-LLM's on other NVIDIA GPUs, and those for ROCm by vLLM's source.
HOPPER_MXFP4_STEPS = (256, 1)
OTHER_MXFP4_STEPS = (128, 256)
ROCM_MXFP4_STEPS = (256, 256)


@dataclass(frozen=True)
class BatchLimits:
    """Tokens and sequences of one batch."""

    max_num_batched_tokens: int
    max_num_seqs: int


def api_server_limits(gpu: Gpu | None, rules: Rules) -> BatchLimits:
    """The limits that the API server starts from on a GPU.

    From 160 GiB (since 0.28) 16384 tokens and 1024 sequences; from 70 GiB, unless it is an A100,
    8192 and 1024; otherwise 2048 and 256. vLLM asks the driver for the size, and the driver has
    none for memory shared with the CPU: such a GPU counts as small. Without a GPU the limits are
    those of an H100.
    """
    if gpu is None:
        return BatchLimits(8192, 1024)
    size = 0 if gpu.has_unified_memory else gpu.total_bytes
    if size >= LARGEST_GPU_BYTES and rules.version >= LARGEST_TIER_SINCE:
        return BatchLimits(16384, 1024)
    if size >= LARGE_GPU_BYTES and "A100" not in (gpu.name or ""):
        return BatchLimits(8192, 1024)
    return BatchLimits(2048, 256)


def mxfp4_steps(gpu: Gpu | None) -> tuple[int, int]:
    """Multiples to which this GPU's kernels pad MXFP4 experts; a size alone counts as Hopper."""
    if gpu is not None and gpu.vendor == "AMD":
        return ROCM_MXFP4_STEPS
    is_hopper = gpu is None or (gpu.compute_capability or "9.0").startswith("9.")
    return HOPPER_MXFP4_STEPS if is_hopper else OTHER_MXFP4_STEPS


def cpu_server_limits(world_size: int) -> BatchLimits:
    """The same for the CPU build, by the number of its workers."""
    return BatchLimits(2048 * world_size, 128 * world_size)


def settled_limits(
    start: BatchLimits,
    max_model_len: int,
    *,
    max_num_batched_tokens: int | None = None,
    max_num_seqs: int | None = None,
    chunked_prefill: bool = True,
) -> BatchLimits:
    """The limits that vLLM ends with, from those it starts from and what was asked.

    A default number of tokens holds the longest prompt where prompts are not cut in chunks, and
    is no more than all sequences at full length; a default number of sequences is no more than
    the tokens.

    Raises:
        EstimateError: the asked limits contradict each other; vLLM refuses them too.
    """
    seqs = max_num_seqs or start.max_num_seqs
    tokens = max_num_batched_tokens
    if tokens is None:
        tokens = start.max_num_batched_tokens
        if not chunked_prefill:
            tokens = max(tokens, max_model_len)
        tokens = min(tokens, seqs * max_model_len)
    if max_num_seqs is None:
        seqs = min(seqs, tokens)
    if tokens < seqs:
        raise EstimateError(
            f"max_num_batched_tokens ({tokens}) is less than max_num_seqs ({seqs}).",
            hint=f"Set --max-num-seqs to at most {tokens}.",
        )
    if not chunked_prefill and tokens < max_model_len:
        raise EstimateError(
            f"Without chunked prefill, max_num_batched_tokens ({tokens}) must hold the longest "
            f"prompt ({max_model_len} tokens)."
        )
    return BatchLimits(tokens, seqs)


def default_length(model: ModelDescription) -> int:
    """The context that vLLM takes when none is asked for.

    Raises:
        EstimateError: the config does not tell.
    """
    length = model.default_length or model.context_length
    if length is None:
        raise EstimateError(
            f"The config of {model.name} names no context length.",
            hint="Give one with --max-model-len.",
        )
    return length


def default_utilization(rules: Rules) -> float:
    """`--gpu-memory-utilization` when it is not given: 0.92 since 0.20, 0.9 before."""
    return rules.default_utilization_percent / 100
