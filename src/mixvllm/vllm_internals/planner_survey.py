"""A model surveyed: what vLLM's planner makes of it, whatever its architecture and kinds."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from mixvllm.vllm_internals.planner_answers import (
    SeenGroup,
    SeenLayers,
    SeenModel,
    SeenPool,
    Survey,
)
from mixvllm.vllm_internals.planner_capacity import (
    CAPACITY,
    GET_CONFIGS,
    SCHEDULER_CONFIG,
    PlannerSettings,
    bytes_per_block,
    concurrent_batches,
    request_blocks,
)
from mixvllm.vllm_internals.planner_model import BuiltModel, built

# More than any cache takes: with it vLLM plans whatever the length.
BOUNDLESS = 1 << 60
KINDS = {
    "FullAttentionSpec": "full_attention",
    "SlidingWindowSpec": "sliding_window",
    "ChunkedLocalAttentionSpec": "chunked_local",
    "MLAAttentionSpec": "latent_attention",
    "MambaSpec": "recurrent_state",
    "CrossAttentionSpec": "cross_attention",
}


def survey(
    documents: Mapping[str, Any],
    settings: PlannerSettings,
    available: int | None,
    *,
    code: str | None = None,
    fit_length: bool = False,
) -> Survey:
    """Survey a model.

    Args:
        documents: `config` and, if there is one, `hf_quant_config`.
        settings: How it is served.
        available: Bytes for the cache on one rank, or None.
        code: Where the checkpoint's own code lies, which is run; None runs none.
        fit_length: Whether the length becomes the longest that fits.

    Raises:
        ValueError: vLLM refuses the model or the settings.
    """
    model = kept_model(json.dumps(documents), settings, code)
    config = model.config
    config.cache_config.kv_cache_layout = model.layout
    parallel = config.parallel_config
    parallel.decode_context_parallel_size = settings.decode_context_parallel_size
    asked = config.model_config.max_model_len
    try:
        with concurrent_batches(config, settings.batches):
            longest = None if available is None else longest_that_fits(model, available)
            if fit_length and longest:
                config.model_config.max_model_len = min(longest, asked)
            return _surveyed(model, available, longest)
    finally:
        config.model_config.max_model_len = asked


@lru_cache(maxsize=1)
def kept_model(documents: str, settings: PlannerSettings, code: str | None) -> BuiltModel:
    """The model, built once: the second question about it brings the memory."""
    return built(json.loads(documents), settings, None if code is None else Path(code))


def _surveyed(model: BuiltModel, available: int | None, longest: int | None) -> Survey:
    config = model.config
    stages = planned_stages(model, BOUNDLESS)
    scheduler = SCHEDULER_CONFIG.load()(stages)
    blocks = request_blocks(config, scheduler)
    groups = tuple(_groups(config, stages, scheduler))
    shape = Survey(
        model=seen_model(config),
        layers=tuple(_layers(config, stages)),
        groups=groups,
        stages=tuple(
            (sum(len(g.layer_names) for g in stage.kv_cache_groups), bytes_per_block(stage))
            for stage in stages
        ),
        block_size=min(group.block_size for group in groups),
        blocks_per_request=blocks,
        weights_bytes=model.weights_bytes,
        parameters=model.parameters,
        unbuilt_reason=model.unbuilt_reason,
        pool=None,
    )
    if available is None or longest is None:
        return shape
    return replace(shape, pool=_pool(model, shape, available, longest))


def planned_stages(model: BuiltModel, available: int) -> list[Any]:
    """VLLM's plan for each pipeline stage.

    Raises:
        ValueError: the memory does not hold one request.
    """
    specs = [dict(stage) for stage in model.stages]
    stages: list[Any] = GET_CONFIGS.load()(model.config, specs, [available] * len(specs))
    if not any(stage.kv_cache_groups for stage in stages):
        raise ValueError("This model keeps no KV cache.")
    return stages


def longest_that_fits(model: BuiltModel, available: int) -> int:
    """The longest request with which vLLM starts, up to the asked or the model's own; 0 if none."""
    config = model.config.model_config
    asked = config.max_model_len

    def fits(length: int) -> bool:
        config.max_model_len = length
        try:
            planned_stages(model, available)
        except ValueError:
            return False
        finally:
            config.max_model_len = asked
        return True

    if not fits(1):
        return 0
    low, high = 1, max(asked, context_length(config) or 0)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def _pool(model: BuiltModel, shape: Survey, available: int, longest: int) -> SeenPool:
    """What vLLM prints of a pool; what it would print, were it not that it refuses to start."""
    try:
        scheduler = SCHEDULER_CONFIG.load()(planned_stages(model, available))
    except ValueError as error:
        blocks = max(0, available) // shape.bytes_per_block
        concurrency = blocks / shape.blocks_per_request
        tokens = int(concurrency * shape.model.max_model_len)
        return SeenPool(blocks, tokens, concurrency, longest, str(error))
    tokens, concurrency = CAPACITY.load()(model.config, scheduler)
    return SeenPool(scheduler.num_blocks, tokens, concurrency, longest, None)


def seen_model(config: Any) -> SeenModel:
    """What vLLM's configuration says of the model."""
    model, text = config.model_config, config.model_config.hf_text_config
    format_of_cache = config.cache_config.cache_dtype
    dtype = str(model.dtype).removeprefix("torch.")
    return SeenModel(
        architecture=model.architecture,
        model_type=str(getattr(text, "model_type", "")),
        context_length=context_length(model),
        max_model_len=model.max_model_len,
        dtype=dtype,
        cache_dtype=dtype if format_of_cache == "auto" else format_of_cache,
        attention_heads=model.model_arch_config.total_num_attention_heads,
        hidden_size=model.get_hidden_size(),
        vocab_size=model.get_vocab_size(),
        quantization=model.quantization,
        is_multimodal=model.is_multimodal_model,
        is_moe=model.get_num_experts() > 1,
        rope_size=getattr(text, "qk_rope_head_dim", None),
    )


def context_length(model: Any) -> int | None:
    """The length that vLLM takes when none is asked for; None where it does not say."""
    try:
        found: int = model.get_and_verify_max_len(None)
    except (ValueError, TypeError):
        return None
    return found


def _groups(config: Any, stages: list[Any], scheduler: Any) -> Iterator[SeenGroup]:
    """The groups over all stages, by what the scheduler takes of each."""
    parts = list(zip(*(stage.kv_cache_groups for stage in stages), strict=True))
    counts = [sum(len(part.layer_names) for part in each) for each in parts]
    for each, count, shown in zip(parts, counts, scheduler.kv_cache_groups, strict=True):
        specs = [spec for part in each for spec in layer_specs(part)]
        widest = max(specs, key=lambda spec: spec.page_size_bytes)
        need = shown.kv_cache_spec
        yield SeenGroup(
            kind=kind_of(specs[0]),
            layers=count,
            block_size=need.block_size,
            page_bytes=widest.page_size_bytes,
            natural_page_bytes=widest.real_page_size_bytes,
            bytes_per_block=max(sum(s.page_size_bytes for s in layer_specs(p)) for p in each),
            blocks_per_request=-(-need.max_memory_usage_bytes(config) // need.page_size_bytes),
            padding_layers=max(counts) - count,
        )


def layer_specs(group: Any) -> list[Any]:
    """The spec of each layer of a group."""
    each = getattr(group.kv_cache_spec, "kv_cache_specs", None)
    if each is None:
        return [group.kv_cache_spec] * len(group.layer_names)
    return [each[name] for name in group.layer_names]


def _layers(config: Any, stages: list[Any]) -> Iterator[SeenLayers]:
    """The layers with a cache, equal ones together."""
    for number, stage in enumerate(stages):
        specs = [spec for group in stage.kv_cache_groups for spec in layer_specs(group)]
        counts = Counter(_layer_facts(config, spec) for spec in specs)
        for facts, count in counts.items():
            kind, heads, key_size, value_size, window, block_size, page = facts
            yield SeenLayers(
                number, kind, count, heads, key_size, value_size, window, block_size, page
            )


LayerFacts = tuple[str, int | None, int | None, int | None, int | None, int, int]


def _layer_facts(config: Any, spec: Any) -> LayerFacts:
    kind = kind_of(spec)
    window = getattr(spec, "sliding_window", None) or getattr(spec, "attention_chunk_size", None)
    if not hasattr(spec, "num_kv_heads"):
        return kind, None, None, None, None, spec.block_size, 0
    page = spec.real_page_size_bytes if grows(config, spec) else 0
    heads, sizes = spec.num_kv_heads, (spec.head_size, spec.head_size_v)
    return kind, heads, *sizes, window, spec.block_size, page


def grows(config: Any, spec: Any) -> bool:
    """Whether a request of one block more needs more of this layer."""
    model, need = config.model_config, spec.max_memory_usage_bytes
    asked, now = model.max_model_len, need(config)
    model.max_model_len += spec.block_size * config.parallel_config.decode_context_parallel_size
    try:
        more: bool = need(config) > now
    finally:
        model.max_model_len = asked
    return more


def kind_of(spec: Any) -> str:
    """The kind of a layer in our words; one that has none keeps vLLM's."""
    if str(getattr(spec, "cache_role", "")).endswith("INDEXER"):
        return "sparse_index"
    name = type(spec).__name__
    words = re.sub(r"(?<!^)(?=[A-Z][a-z])", "_", name.removesuffix("Spec")).lower()
    return KINDS.get(name, words)
