"""What differs between two requests, as the flags that make the difference."""

from __future__ import annotations

from mixvllm.memory.gpu_table import flag_of
from mixvllm.memory.request import EstimateRequest

# In the order in which a reader looks for them.
FLAGS = {
    "gpu": "--gpu",
    "tensor_parallel_size": "--tensor-parallel-size",
    "quantization": "--quantization",
    "max_model_len": "--max-model-len",
    "kv_cache_dtype": "--kv-cache-dtype",
    "max_num_seqs": "--max-num-seqs",
    "max_num_batched_tokens": "--max-num-batched-tokens",
    "enforce_eager": "--enforce-eager",
}


def flags_between(before: EstimateRequest, after: EstimateRequest) -> tuple[str, ...]:
    """The flags that turn one request into the other, each with its value."""
    flags = []
    for name, flag in FLAGS.items():
        value = getattr(after, name)
        if value == getattr(before, name) or value is None:
            continue
        if value is True:
            flags.append(flag)
        else:
            flags.append(f"{flag} {flag_of(value) if name == 'gpu' else value}")
    return tuple(flags)
