"""Each thing that vLLM ends with, in its own words and in ours."""

import re
from pathlib import Path

import pytest

from mixvllm.vllm_internals.installed import package_directory
from mixvllm.vllm_internals.late_errors import TEMPLATES, recognised

# Files of vLLM, and what stands in them: beginnings of the sentences that the templates look for.
SOURCES = {
    "v1/core/kv_cache_utils.py": (
        "GiB KV cache is needed, which is larger than the available KV cache memory (",
        "the estimated maximum model length is ",
        "No available memory for the cache blocks.",
    ),
    "v1/worker/utils.py": (
        "GiB) on startup is less than desired GPU memory utilization (",
        "Free memory on device ",
    ),
    "v1/worker/gpu_model_runner.py": ("CUDA out of memory occurred when warming up sampler with ",),
    "v1/worker/gpu_worker.py": ("Error in memory profiling. Initial free memory ",),
    "config/compilation.py": (") exceeds available Mamba cache blocks (",),
    "transformers_utils/config.py": (
        "Failed to load the model config.",
        "Invalid repository ID or local directory specified:",
    ),
    "model_executor/model_loader/__init__.py": ("Load format `{load_format}` is not supported",),
    "transformers_utils/processor.py": ("Failed to load the processor.",),
    "tokenizers/hf.py": ("Failed to load the tokenizer.",),
    "model_executor/models/registry.py": (
        " are not supported for now. ",
        " was supported in vLLM until v",
    ),
    "model_executor/model_loader/default_loader.py": (
        "Cannot find any model weights with `",
        "Following weights were not initialized from checkpoint: ",
    ),
    "config/vllm.py": (
        "is not supported for the current GPU. Minimum capability: ",
        " is not supported for quantization method ",
    ),
    "platforms/cuda.py": (
        "Bfloat16 is only supported on GPUs with compute capability of at least 8.0. Your ",
        "No valid attention backend found for ",
    ),
    "config/model.py": (
        "Unknown quantization method: ",
        "is greater than the derived max_model_len (",
        " must be divisible by tensor parallel size (",
    ),
    "distributed/device_communicators/pynccl_wrapper.py": ("NCCL error: ",),
    "model_executor/layers/quantization/utils/fp8_utils.py": (
        "The output_size of gate's and up's weight = ",
        "The input_size of down's weight = ",
        "is not divisible by weight quantization block_n = ",
        "is not divisible by weight quantization block_k = ",
    ),
    "model_executor/models/qwen3_moe.py": (
        "is greater than the number of experts {config.num_experts}",
    ),
    "model_executor/layers/fused_moe/layer.py": (
        "EPLB currently only supports even distribution of experts across ranks. Got ",
    ),
}

KV_CACHE = (
    "ValueError: To serve at least one request with the model's max seq len (8192), (0.35 GiB KV "
    "cache is needed, which is larger than the available KV cache memory (0.04 GiB). Based on the "
    "available memory, the estimated maximum model length is 896. Try increasing "
    "`gpu_memory_utilization` (which also controls CPU memory on the CPU backend)"
)
SAID = [
    (
        KV_CACHE,
        "kv-cache-too-small",
        "one request of 8,192 tokens takes 0.35 GiB of KV cache, and vLLM has 0.04 GiB left for it",
    ),
    (
        "ValueError: No available memory for the cache blocks. Try increasing "
        "`gpu_memory_utilization` when initializing the engine (this flag",
        "no-kv-cache",
        "weights and activations leave no memory for the KV cache",
    ),
    (
        "ValueError: Free memory on device cuda:0 (18.2/79.11 GiB) on startup is less than desired "
        "GPU memory utilization (0.9, 71.2 GiB). Decrease GPU memory utilization or reduce GPU "
        "memory used by other processes.",
        "gpu-memory-in-use",
        "vLLM asks for 71.2 GiB (0.9 of 79.11 GiB) of cuda:0, and 18.2 GiB were free",
    ),
    (
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 896.00 MiB. GPU 1 has a "
        "total capacity of 23.53 GiB of which 41.19 MiB is free. Including non-PyTorch memory",
        "out-of-gpu-memory",
        "GPU 1 ran out of memory: 896.00 MiB more were needed, and of 23.53 GiB only 41.19 MiB "
        "were free",
    ),
    (
        "RuntimeError: CUDA out of memory occurred when warming up sampler with 1024 dummy "
        "requests. Please try lowering `max_num_seqs` or `gpu_memory_utilization`",
        "out-of-gpu-memory",
        "the GPU ran out of memory when vLLM tried the sampler with 1024 requests",
    ),
    (
        "AssertionError: Error in memory profiling. Initial free memory 20.1 GiB, current free "
        "memory 33.5 GiB. This happens when other processes sharing the same container",
        "gpu-memory-changed",
        "another process gave back GPU memory while vLLM measured it (20.1 GiB free before, 33.5 "
        "GiB after)",
    ),
    (
        "ValueError: max_num_seqs (1024) exceeds available Mamba cache blocks (310). Each decode",
        "too-many-sequences",
        "max_num_seqs is 1024, and there are 310 blocks of state, one a sequence",
    ),
    (
        "OSError: You are trying to access a gated repo.\nMake sure to have access to it at",
        "gated-model",
        "the hub lets only those in who asked the model's owner, or who have a key",
    ),
    (
        "OSError: It looks like the config file at 'm.gguf' is not a valid JSON file.",
        "plugin-missing",
        "m.gguf is a GGUF file, which vLLM reads by a plugin only, and that is not loaded",
    ),
    (
        "ValidationError: 1 validation error for ModelConfig\n  Value error, Invalid repository ID "
        "or local directory specified: '/models/m.gguf'.\nPlease verify the following",
        "plugin-missing",
        "/models/m.gguf is a GGUF file, which vLLM reads by a plugin only, and that is not loaded",
    ),
    (
        "HFValidationError: Repo id must use alphanumeric chars, '-', '_' or '.'. The name cannot "
        "start or end with '-' or '.' and the maximum length is 96: 'Qwen/Qwen3-0.6B-GGUF:Q8_0'.",
        "plugin-missing",
        "Qwen/Qwen3-0.6B-GGUF:Q8_0 is a GGUF file, which vLLM reads by a plugin only, and that is "
        "not loaded",
    ),
    (
        "ValidationError: 1 validation error for ModelConfig\n  Value error, Unknown quantization "
        "method: bitsandbytes. Must be one of ['awq', 'auto_awq']",
        "plugin-missing",
        "vLLM has bitsandbytes by a plugin only, and that is not loaded",
    ),
    (
        "ValueError: Load format `gguf` is not supported",
        "plugin-missing",
        "vLLM has gguf by a plugin only, and that is not loaded",
    ),
    (
        "RuntimeError: Failed to load the model config. If the model is a custom model not yet "
        "available in the HuggingFace transformers library, consider setting "
        "`trust_remote_code=True` in LLM",
        "remote-code-needed",
        "the model config is read by code that comes with the model, or is not known to this "
        "release of transformers",
    ),
    (
        "ValueError: Model architectures ['NewForCausalLM'] are not supported for now. Supported "
        "architectures: dict_keys(['AfmoeForCausalLM'])",
        "architecture-unsupported",
        "this vLLM does not serve the architecture 'NewForCausalLM'",
    ),
    (
        "ImportError: LlamaTokenizer requires the SentencePiece library but it was not found in",
        "tokenizer-missing",
        "the tokenizer needs the library SentencePiece, which is not installed",
    ),
    (
        "OSError: Can't load tokenizer for '/models/mine'. If you were trying to load it from",
        "tokenizer-missing",
        "/models/mine has no tokenizer that can be loaded",
    ),
    (
        "RuntimeError: Cannot find any model weights with `/models/mine`",
        "model-incomplete",
        "/models/mine has no weights in a format that vLLM loads",
    ),
    (
        "ValueError: The quantization method modelopt is not supported for the current GPU. "
        "Minimum capability: 80. Current capability: 75.",
        "quantization-mismatch",
        "the quantization method modelopt needs compute capability 80, and the GPU has 75",
    ),
    (
        "ValueError: torch.float32 is not supported for quantization method awq. Supported dtypes: "
        "[torch.float16, torch.bfloat16]",
        "number-format",
        "the quantization method awq does not compute in float32",
    ),
    (
        "ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0. "
        "Your Tesla T4 GPU has compute capability 7.5. You can use float16 instead",
        "number-format",
        "Tesla T4 (compute capability 7.5) has no bfloat16, which needs 8.0",
    ),
    (
        "ValueError: User-specified max_model_len (99999) is greater than the derived "
        "max_model_len (max_position_embeddings=8192 or model_max_length=None in model's",
        "context-too-long",
        "99,999 tokens are more than the 8,192 that the model allows",
    ),
    (
        "ValueError: The output_size of gate's and up's weight = 192 is not divisible by weight "
        "quantization block_n = 128.",
        "tensor-parallel-size",
        "divided over the GPUs, an expert is 192 wide, which is no multiple of the 128 that its "
        "weights were quantized in",
    ),
    (
        "ValueError: Tensor parallel size 16 is greater than the number of experts 8.",
        "tensor-parallel-size",
        "8 experts cannot be divided over 16 GPUs",
    ),
    (
        "ValueError: EPLB currently only supports even distribution of experts across ranks. Got "
        "130 experts and 4 EP ranks.",
        "tensor-parallel-size",
        "130 experts cannot be balanced over 4 GPUs: their number must be a multiple",
    ),
    (
        "torch.distributed.DistNetworkError: The server socket has failed to listen on any local "
        "network address. port: 29500, useIpv6: false, code: -98, name: EADDRINUSE",
        "engine-port-in-use",
        "a port that vLLM's processes talk over is in use by another program",
    ),
    (
        "RuntimeError: NCCL error: unhandled system error (run with NCCL_DEBUG=INFO for details)",
        "nccl",
        "the GPUs could not talk to each other (NCCL: unhandled system error (run with "
        "NCCL_DEBUG=INFO for details))",
    ),
    (
        "OSError: [Errno 28] No space left on device: '/psm_0a1b2c3d'",
        "shared-memory",
        "/dev/shm is too small: vLLM's processes pass their data through it",
    ),
    (
        "OSError: [Errno 28] No space left on device: '/data/model.tmp'",
        "disk-full",
        "the disk is full",
    ),
]


@pytest.mark.parametrize(("text", "code", "message"), SAID)
def test_it_is_recognised_and_said_in_one_sentence(text: str, code: str, message: str) -> None:
    error = recognised(text)

    assert error is not None
    assert (error.code, error.message) == (code, message)


def test_what_is_not_known_is_left_in_vllms_words() -> None:
    assert recognised("ValueError: something new") is None


def test_most_templates_are_tried_here() -> None:
    tried = [t for t in TEMPLATES if any(t.pattern.search(text) for text, *_ in SAID)]
    assert len(tried) > len(TEMPLATES) * 2 // 3


def test_the_numbers_are_kept_for_who_computes_with_them() -> None:
    error = recognised(KV_CACHE)

    assert error is not None
    assert error.numbers == {
        "length": "8192",
        "needed": "0.35",
        "available": "0.04",
        "longest": "896",
    }


@pytest.mark.engine
@pytest.mark.parametrize(("file", "sentences"), SOURCES.items())
def test_the_templates_are_those_of_the_installed_vllm(
    file: str, sentences: tuple[str, ...]
) -> None:
    package = package_directory()
    assert package is not None
    source = joined((package / file).read_text(encoding="utf-8"))

    for sentence in sentences:
        assert sentence in source, f"{file} no longer says {sentence!r}"


def joined(source: str) -> str:
    """A source in which the pieces of a sentence stand on one line."""
    return re.sub(r"[\"']\s*\n\s*f?[\"']", "", source)


def test_each_file_is_named_from_the_package() -> None:
    assert not any(Path(file).is_absolute() for file in SOURCES)
