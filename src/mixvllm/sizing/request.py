"""From the settings to what an estimate is asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mixvllm.errors import EstimateError, UsageError
from mixvllm.memory.gpu_table import Gpu, find_gpu
from mixvllm.memory.request import LONGER_VARIABLE, EstimateRequest, Load
from mixvllm.memory.rules import NEWEST, RELEASES, Rules, rules_of
from mixvllm.memory.sizes import parse_size
from mixvllm.settings.schema import ServeConfig
from mixvllm.sizing.keys_read import INFERENCE_READ
from mixvllm.vllm_internals.installed import installed_engine

# vLLM's own arguments, by their names there, with the type that they must have.
ARGUMENTS_READ: dict[str, type] = {
    "block_size": int,
    "decode_context_parallel_size": int,
    "enable_prefix_caching": bool,
    "async_scheduling": bool,
    "disable_hybrid_kv_cache_manager": bool,
    "mamba_cache_dtype": str,
    "mamba_ssm_cache_dtype": str,
}
MEMORY_ARGUMENT = "kv_cache_memory_bytes"
# These move the memory beside the cache a little, in ways that only a start can tell.
ONLY_MEASURED = (
    "attention_backend",
    "attention_config",
    "compilation_config",
    "cuda_graph_sizes",
    "cudagraph_capture_sizes",
    "disable_custom_all_reduce",
    "enable_chunked_prefill",
    "enable_dbo",
    "enable_eplb",
    "enable_expert_parallel",
    "enable_sleep_mode",
    "kernel_config",
    "kv_transfer_config",
    "language_model_only",
    "limit_mm_per_prompt",
    "load_format",
    "max_cudagraph_capture_size",
    "mm_encoder_tp_mode",
    "mm_processor_kwargs",
    "moe_backend",
    "optimization_level",
    "skip_mm_profiling",
    "swap_space",
)
# These move the numbers in ways that are not modelled: no answer is better than a wrong one.
NOT_MODELLED = (
    "cpu_offload_gb",
    "enable_lora",
    "hf_config_path",
    "hf_overrides",
    "kv_cache_dtype_skip_layers",
    "kv_sharing_fast_prefill",
    "mamba_block_size",
    "num_gpu_blocks_override",
    "prefill_context_parallel_size",
    "speculative_config",
)


@dataclass(frozen=True)
class Choices:
    """What the command's own options say: sizes and names as text, counts read."""

    gpu: str | None = None
    kv_cache_memory: str | None = None
    vllm_version: str | None = None
    block_size: int | None = None
    concurrency: int | None = None
    load: Load | None = None


def estimate_request(settings: ServeConfig, choices: Choices) -> EstimateRequest:
    """What the settings and the options ask for; an option wins over the same vLLM argument.

    Raises:
        UsageError: an option's value is no GPU, size, version or count.
        EstimateError: an argument of vLLM's that is not modelled, or not of its type.
    """
    check_counts(choices)
    asked = {name: getattr(settings.inference, name) for name in INFERENCE_READ}
    asked |= read_arguments(settings.vllm)
    asked["pooling"] = pools(settings.vllm)
    if choices.block_size is not None:
        asked["block_size"] = choices.block_size
    rules = chosen_rules(choices.vllm_version)
    return EstimateRequest(
        **asked,
        gpu=chosen_gpu(choices.gpu),
        kv_cache_memory_bytes=chosen_memory(choices.kv_cache_memory, settings.vllm),
        memory_arguments=memory_arguments(settings.vllm),
        may_exceed_context=os.environ.get(LONGER_VARIABLE) == "1",
        rules=rules,
        vllm_version=choices.vllm_version and choices.vllm_version.strip().removeprefix("v"),
        concurrency=choices.concurrency,
        load=choices.load,
    )


def check_counts(choices: Choices) -> None:
    """Refuse counts below 1, which a Python program can give.

    Raises:
        UsageError: one is below 1.
    """
    load = choices.load
    counts = {"block_size": choices.block_size, "concurrency": choices.concurrency}
    counts |= {"prompt": load.prompt_tokens, "output": load.output_tokens} if load else {}
    for name, count in counts.items():
        if count is not None and count < 1:
            raise UsageError(f"{name} must be at least 1, not {count}.")


def memory_arguments(given: Mapping[str, Any]) -> str:
    """Those arguments that only a start can tell the effect of, as one text; often none."""
    said = {name: given[name] for name in ONLY_MEASURED if given.get(name) not in (None, {}, [])}
    return json.dumps(said, sort_keys=True, default=str) if said else ""


def read_arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of vLLM that move the numbers.

    Raises:
        EstimateError: one is not modelled, or not of its type.
    """
    if unknown := [name for name in NOT_MODELLED if given.get(name) not in (None, False)]:
        raise EstimateError(f"What {unknown[0]} does to the memory is not modelled.")
    read = {name: given[name] for name in ARGUMENTS_READ if given.get(name) is not None}
    for name, value in read.items():
        if not isinstance(value, ARGUMENTS_READ[name]):
            raise EstimateError(
                f"vllm.{name} is {value!r}, which is no {ARGUMENTS_READ[name].__name__}."
            )
    return read


def pools(given: Mapping[str, Any]) -> bool:
    """Whether vLLM's arguments make a server that embeds or classifies."""
    return given.get("runner") == "pooling" or given.get("convert") in ("embed", "classify")


def chosen_rules(version: str | None) -> Rules:
    """The rules of a version, else of the installed vLLM, else the newest.

    Raises:
        UsageError: no such version is modelled.
    """
    if version is not None:
        try:
            return rules_of(version)
        except EstimateError as error:
            raise UsageError(f"--vllm-version: {error.message}", hint=error.hint) from error
    engine = installed_engine()
    return RELEASES.get(engine.release if engine else NEWEST, RELEASES[NEWEST])


def chosen_gpu(option: str | None) -> Gpu | None:
    """The GPU that is named, if one is.

    Raises:
        UsageError: there is none of this name.
    """
    return None if option is None else named_gpu(option)


def named_gpu(option: str, flag: str = "--gpu") -> Gpu:
    """The GPU that a flag names.

    Raises:
        UsageError: there is none of this name.
    """
    try:
        return find_gpu(option)
    except EstimateError as error:
        raise UsageError(f"{flag}: {error.message}", hint=error.hint) from error


def chosen_memory(option: str | None, arguments: Mapping[str, Any]) -> int | None:
    """The memory of the cache on each GPU, where it is given.

    Raises:
        UsageError: the option's value is no size.
        EstimateError: the argument's value is no number of bytes.
    """
    if option is None:
        given = arguments.get(MEMORY_ARGUMENT)
        size = parse_size(f"{given}B") if given is not None else None
        if given is not None and size is None:
            raise EstimateError(
                f"vllm.{MEMORY_ARGUMENT} is {given!r}, which is no number of bytes."
            )
        return size
    try:
        size = parse_size(option)
    except EstimateError as error:
        raise UsageError(f"--kv-cache-memory: {error.message}", hint=error.hint) from error
    if size is None:
        raise UsageError(
            f"--kv-cache-memory: {option!r} is no size.", hint="Write 24GiB, 24g, 24 or 24GB."
        )
    return size
