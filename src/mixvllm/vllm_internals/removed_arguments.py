"""Arguments that earlier versions of vLLM had, and what to write today."""

from __future__ import annotations

NOTHING = "it has no effect any more: leave it out"
_SPECULATIVE = (
    "write `--speculative-config` with a JSON object (`model`, `num_speculative_tokens`, ...)"
)
_STRUCTURED = "write `--structured-outputs-config` with a JSON object (`backend`, ...)"
_OVERRIDES = "write it into the JSON object of `--hf-overrides`"
_ADAPTERS = "vLLM serves no prompt adapters any more; LoRA adapters go on"

# The names with underscores, as under `vllm:`.
REMOVED: dict[str, str] = {
    "disable_log_requests": "requests are not logged unless `--enable-log-requests` asks for it",
    "worker_use_ray": "write `--distributed-executor-backend ray`",
    "device": "the installed build of vLLM decides",
    "task": "write `--runner` (and `--convert` for models of another kind)",
    "enable_reasoning": "`--reasoning-parser` alone switches it on",
    "override_pooler_config": "write `--pooler-config`",
    "cuda_graph_sizes": "write `--cudagraph-capture-sizes`",
    "max_seq_len_to_capture": "write `--max-cudagraph-capture-size`, which counts tokens of a step",
    "disable_mm_preprocessor_cache": "write `--mm-processor-cache-gb 0`",
    "enable_multimodal_encoder_data_parallel": "write `--mm-encoder-tp-mode data`",
    "num_redundant_experts": "write it into the JSON object of `--eplb-config`",
    "eplb_window_size": "write `window_size` into the JSON object of `--eplb-config`",
    "rope_scaling": _OVERRIDES,
    "rope_theta": _OVERRIDES,
    "swap_space": "requests that must wait are computed anew, not swapped: leave it out",
    **dict.fromkeys(
        (
            "disable_async_output_proc",
            "engine_use_ray",
            "max_context_len_to_capture",
            "multi_step_stream_outputs",
            "num_lookahead_slots",
            "num_scheduler_steps",
            "preemption_mode",
            "scheduler_delay_factor",
            "tokenizer_pool_extra_config",
            "tokenizer_pool_size",
            "tokenizer_pool_type",
            "use_v2_block_manager",
        ),
        NOTHING,
    ),
    **dict.fromkeys(
        (
            "ngram_prompt_lookup_max",
            "ngram_prompt_lookup_min",
            "num_speculative_tokens",
            "speculative_disable_by_batch_size",
            "speculative_draft_tensor_parallel_size",
            "speculative_max_model_len",
            "speculative_model",
        ),
        _SPECULATIVE,
    ),
    **dict.fromkeys(
        (
            "guided_decoding_backend",
            "guided_decoding_disable_additional_properties",
            "guided_decoding_disable_any_whitespace",
            "guided_decoding_disable_fallback",
        ),
        _STRUCTURED,
    ),
    **dict.fromkeys(
        ("enable_prompt_adapter", "max_prompt_adapter_token", "max_prompt_adapters"), _ADAPTERS
    ),
}


def removal(argument: str) -> str | None:
    """Why an argument is none any more and what to write, or None where it never was one."""
    instead = REMOVED.get(argument)
    return instead and f"is an argument of earlier versions of vLLM; {instead}"
