"""The settings that an estimate reads; apart from the reading, so that options cost nothing."""

from __future__ import annotations

INFERENCE_READ = (
    "max_model_len",
    "dtype",
    "kv_cache_dtype",
    "quantization",
    "tensor_parallel_size",
    "pipeline_parallel_size",
    "data_parallel_size",
    "gpu_memory_utilization",
    "max_num_seqs",
    "max_num_batched_tokens",
    "enforce_eager",
)
SETTINGS_READ = frozenset(
    {
        "model.name",
        "model.revision",
        "model.trust_remote_code",
        *(f"inference.{name}" for name in INFERENCE_READ),
    }
)
