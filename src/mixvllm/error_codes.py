"""The stable names of what can go wrong: `docs/troubleshooting.md` has a section for each.

`mixvllm explain CODE` prints that section. A name is never given to something else; one that is no
longer needed goes, with its section.
"""

from __future__ import annotations

from typing import Literal, get_args

ErrorCode = Literal[
    # The settings.
    "model-required",
    "settings-invalid",
    "unknown-setting",
    "invalid-value",
    "unreadable-file",
    "conflicting-values",
    "vllm-refuses-settings",
    "not-with-serve",
    # The model.
    "model-not-found",
    "model-incomplete",
    "model-unreadable",
    "model-unknown-kind",
    "architecture-unsupported",
    "gated-model",
    "hub-unreachable",
    "tokenizer-missing",
    "remote-code-needed",
    "demo-model",
    # Settings and model.
    "context-too-long",
    "tensor-parallel-size",
    "pipeline-parallel-size",
    "no-experts",
    "batch-too-small",
    "quantization-mismatch",
    "number-format",
    "kv-cache-format",
    "unknown-parser",
    "tool-parser-settings",
    "chat-template",
    "lora-adapter",
    # The memory.
    "weights-too-large",
    "kv-cache-too-small",
    "no-kv-cache",
    "fits-narrowly",
    "machine-memory",
    "too-many-sequences",
    "gpu-memory-in-use",
    "gpu-memory-changed",
    "out-of-gpu-memory",
    "orphan-on-gpu",
    "not-estimated",
    # The machine.
    "not-enough-gpus",
    "vllm-missing",
    "vllm-unsupported",
    "plugin-missing",
    "chat-extra-missing",
    "ray-missing",
    "port-in-use",
    "engine-port-in-use",
    "address",
    "nccl",
    "shared-memory",
    "disk-full",
    "directory-not-writable",
    # The engine.
    "engine-start",
    "engine-died",
    # Other commands.
    "server-not-reached",
    "model-choice",
    "not-a-log",
]
ERROR_CODES: tuple[ErrorCode, ...] = get_args(ErrorCode)
