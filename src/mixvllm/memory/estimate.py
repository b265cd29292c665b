"""The one call behind `estimate-kv`: a model and its settings to what vLLM will report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields

from mixvllm.memory.alike import named_alike
from mixvllm.memory.answer import (
    Capacity,
    EffectiveSettings,
    Estimate,
    KvCacheSize,
    LayerKind,
    ModelFacts,
    Question,
    Weights,
)
from mixvllm.memory.at_once import asked_tokens, at_once, question, with_room
from mixvllm.memory.explanation import GrowingLayers, explain, growing_by_stage
from mixvllm.memory.kv.plan import plan_groups
from mixvllm.memory.kv.planned_cache import KvPlan
from mixvllm.memory.planned import Planned, planned_as_asked
from mixvllm.memory.request import EstimateRequest
from mixvllm.memory.serving import ServingFacts
from mixvllm.memory.suggestions import suggest
from mixvllm.memory.weights import RankWeights
from mixvllm.models.description import Layer, ModelDescription
from mixvllm.models.weights.groups import WeightFacts


def estimate(
    checkpoint: ModelDescription,
    weights: WeightFacts | None,
    source: str,
    request: EstimateRequest,
) -> Estimate:
    """Estimate the KV cache, and what fits where the memory is known.

    Args:
        checkpoint: The model as its source describes it.
        weights: Its weights, or None where they are not known.
        source: What kind of place described it.
        request: The settings.

    Raises:
        EstimateError: vLLM would refuse the settings, or what they ask for is not modelled.
    """
    description, loaded, now = planned_as_asked(checkpoint, weights, request)
    ready, then = with_room(description, loaded, request, now)
    asked = question(request, ready, then)
    serving, plan = now.serving, now.plan
    growing = growing_by_stage(now.groups, serving)
    return Estimate(
        model=_model_facts(checkpoint, source),
        settings=effective_settings(description, request, serving, plan),
        kv_cache=kv_cache_size(growing, serving, plan),
        weights=Weights(
            loaded.total_bytes if loaded else None,
            now.weights.total_bytes if now.weights else None,
            loaded.source if loaded else None,
        ),
        gpu=request.gpu,
        gpu_count=_gpus(request) * request.data_parallel_size,
        budget=now.budget,
        capacity=_capacity(description, now),
        groups=plan.groups,
        suggestions=suggest(description, loaded, ready, then, asked),
        explanation=explain(growing, serving, plan, now.weights, now.pool_bytes),
        vllm_version=request.vllm_version or request.rules.name,
        notes=tuple(_notes(checkpoint, request, weights, loaded, now.weights)),
        changes_needed=_changes_needed(now, asked),
        question=asked,
        load=request.load,
        load_at_once=at_once(now, asked_tokens(request, now)) if request.load else None,
        full_at_once=at_once(now, serving.max_model_len),
        measured=now.measured,
    )


def _changes_needed(now: Planned, asked: Question | None) -> tuple[str, ...]:
    if now.pool_bytes is None:
        return ()
    if asked is None or not asked.flags or not asked.fits:
        return now.plan.warnings
    raised = (
        f"{' '.join(asked.flags)}: with the limits as they are, {now.serving.max_num_seqs} "
        f"requests run at once and {asked.concurrency} are asked for."
    )
    return (raised, *now.plan.warnings)


def _capacity(description: ModelDescription, now: Planned) -> Capacity | None:
    if now.pool_bytes is None:
        return None
    low = high = None
    if now.budget is not None and now.budget.requested_bytes is not None:
        band = now.budget.kv_cache
        low, high = (
            plan_groups(now.groups, description, now.serving, max(0, size), now.plan.dtype)
            for size in (band.low, band.high)
        )
    return Capacity(
        pool_bytes=now.pool_bytes,
        tokens=now.plan.tokens,
        max_concurrency=now.plan.max_concurrency,
        num_blocks=now.plan.num_blocks,
        fits=now.fits,
        max_model_len_that_fits=now.plan.max_model_len_that_fits,
        tokens_low=low.tokens if low else None,
        tokens_high=high.tokens if high else None,
        overdrawn_bytes=now.overdrawn_bytes,
        fits_low=low.fits if low else None,
        fits_high=high.fits if high else None,
    )


def kv_cache_size(
    growing: Sequence[Sequence[GrowingLayers]], serving: ServingFacts, plan: KvPlan
) -> KvCacheSize:
    """Bytes over all GPUs, and on the most loaded one; `growing` has the layers of each stage.

    Every tensor-parallel rank of a stage has as much; under decode context parallelism a rank
    has its share of the tokens.
    """
    shared = serving.decode_context_parallel_size
    ranks = serving.tensor_parallel_size
    stages = [sum(layers.count * layers.token_bytes for layers in stage) for stage in growing]
    pool_blocks = sum(rank.bytes_per_block for rank in plan.ranks)
    return KvCacheSize(
        bytes_per_token=int(sum(stages) * ranks // shared),
        bytes_per_token_per_gpu=int(-(-max(stages) // shared)),
        bytes_per_request=plan.blocks_per_request * pool_blocks * ranks,
        bytes_per_request_per_gpu=plan.bytes_per_request,
    )


def effective_settings(
    description: ModelDescription,
    request: EstimateRequest,
    serving: ServingFacts,
    plan: KvPlan,
) -> EffectiveSettings:
    """The settings that the numbers hold for."""
    settled = {
        "dtype": description.dtype,
        "kv_cache_dtype": plan.dtype,
        "quantization": request.quantization or description.quantization,
        "block_size": plan.block_size,
    }
    return EffectiveSettings(**named_alike(EffectiveSettings, request, serving) | settled)


def _model_facts(description: ModelDescription, source: str) -> ModelFacts:
    counts: dict[Layer, int] = {}
    for layer in description.layers:
        counts[layer] = counts.get(layer, 0) + 1
    return ModelFacts(
        name=description.name,
        architecture=description.architecture,
        source=source,
        parameters=description.parameters,
        context_length=description.context_length,
        layers=tuple(
            LayerKind(_kind_name(layer), count, _sizes(layer)) for layer, count in counts.items()
        ),
    )


def _kind_name(layer: Layer) -> str:
    """`FullAttention` as `full_attention`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(layer).__name__).lower()


def _sizes(layer: Layer) -> dict[str, int | str]:
    values = {field.name: getattr(layer, field.name) for field in fields(layer)}
    return {name: value for name, value in values.items() if value is not None}


def _notes(
    checkpoint: ModelDescription,
    request: EstimateRequest,
    weights: WeightFacts | None,
    loaded: WeightFacts | None,
    on_rank: RankWeights | None,
) -> list[str]:
    """What is assumed, and what is asked against the checkpoint."""
    notes = [*request.notes]
    if request.dtype not in ("auto", checkpoint.dtype):
        notes.append(f"What if in {request.dtype}: the checkpoint is in {checkpoint.dtype}.")
    if request.quantization not in (None, checkpoint.quantization):
        own = checkpoint.quantization or "not quantized"
        notes.append(f"What if quantized with {request.quantization}: the checkpoint is {own}.")
    if weights is not None and loaded is None:
        notes.append("The weights are left out: their size in this format is not known.")
    elif weights is None:
        notes.append("The weights are left out: no file and no formula tells their size.")
    if on_rank is not None and on_rank.exactness == "total divided" and _gpus(request) > 1:
        notes.append("Only the total of the weights is known: a GPU is given its even share.")
    if request.pooling:
        notes.append("A pooling server: no output layer is loaded, and nothing is sampled.")
    if request.data_parallel_size > 1:
        shared = ", which share the experts' weights" if checkpoint.is_moe else ""
        notes.append(f"The numbers are for one of {request.data_parallel_size} copies{shared}.")
    if _is_blind(request) and request.max_model_len == "auto":
        notes.append("`auto` needs the memory: the length is the model's own.")
    if checkpoint.served_until is not None:
        notes.append(f"vLLM {checkpoint.served_until} was the last to serve this architecture.")
    return notes


def _gpus(request: EstimateRequest) -> int:
    return request.tensor_parallel_size * request.pipeline_parallel_size


def _is_blind(request: EstimateRequest) -> bool:
    """Whether nothing tells the memory."""
    return request.kv_cache_memory_bytes is None and request.gpu is None
