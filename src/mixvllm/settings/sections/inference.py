"""How the engine runs the model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mixvllm.settings.declaration import Section, TokenCount, default_cpu_kv_cache_gib, setting
from mixvllm.vllm_internals.arguments import QUANTIZATION_METHOD, check_choice


class InferenceConfig(Section):
    """How the engine runs it."""

    tensor_parallel_size: int = setting(
        1,
        "The number of GPUs that each layer is split over.",
        trade_off="More GPUs hold larger models and more KV cache, but talk at every layer.",
        example=2,
        alias="gpus",
        ge=1,
    )
    gpu_memory_utilization: float = setting(
        0.9,
        "The share of each GPU's memory that vLLM may take, weights and KV cache together.",
        trade_off="Higher serves more requests at once; too high runs out of memory.",
        example=0.9,
        alias="gpu_memory",
        ge=0.1,
        le=1.0,
    )
    max_model_len: Annotated[TokenCount, Field(ge=1)] | Literal["auto"] | None = setting(
        None,
        "The longest context in tokens, prompt and answer together; `auto` takes what fits.",
        trade_off="Longer contexts take KV cache from other requests.",
        example=4096,
        default_note="the model's own limit",
    )
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = setting(
        "auto",
        "The number format of weights and activations.",
        trade_off="bfloat16 suits Ampere and newer GPUs, float16 older ones; "
        "float32 takes twice the memory.",
        example="bfloat16",
    )
    quantization: Annotated[str, QUANTIZATION_METHOD] | None = setting(
        None,
        "The quantization method of the checkpoint (awq, gptq, fp8, ...).",
        trade_off="Mostly unneeded: vLLM reads it from the checkpoint. "
        "A checkpoint must have been made for the method.",
        example="awq",
        default_note="what the checkpoint says",
    )
    kv_cache_dtype: Annotated[str, check_choice("kv_cache_dtype")] = setting(
        "auto",
        "The number format of the KV cache (auto, fp8, ...).",
        trade_off="fp8 holds twice the tokens, at a small cost in quality.",
        example="fp8",
    )
    max_num_seqs: int | None = setting(
        None,
        "The most requests that run at once; more wait in a queue.",
        trade_off="Higher raises throughput and the time between tokens.",
        example=64,
        default_note="vLLM's choice for the GPU",
        ge=1,
    )
    max_num_batched_tokens: Annotated[TokenCount, Field(ge=1)] | None = setting(
        None,
        "The most tokens computed in one step.",
        trade_off="Higher reads long prompts faster and takes more activation memory.",
        example=8192,
        default_note="vLLM's choice for the GPU",
    )
    enforce_eager: bool = setting(
        False,
        "Run without torch.compile and CUDA graphs.",
        trade_off="Starts sooner and takes less memory, but answers more slowly.",
        example=True,
    )
    pipeline_parallel_size: int = setting(
        1,
        "The number of stages that the layers are divided into, one after another.",
        trade_off="For models too large for one machine; each token passes every stage.",
        example=2,
        ge=1,
    )
    data_parallel_size: int = setting(
        1,
        "The number of copies of the model that share the requests.",
        trade_off="Each copy takes its own GPUs and its own weights.",
        example=2,
        ge=1,
    )
    distributed_executor_backend: Literal["mp", "ray"] | None = setting(
        None,
        "What starts the workers: `mp` on one machine, `ray` over several.",
        example="ray",
        default_note="vLLM's choice",
    )
    cpu_kv_cache_gib: float = setting(
        default_cpu_kv_cache_gib,
        "The KV cache of CPU builds, in GiB; GPUs use `gpu_memory_utilization`.",
        trade_off="More holds more requests and takes longer to allocate at start-up.",
        example=4,
        default_note="4, or a quarter of the memory if that is less",
        gt=0,
    )
