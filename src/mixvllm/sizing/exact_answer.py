"""What vLLM's planner answered, as an `Estimate`."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction

from mixvllm.errors import EstimateError
from mixvllm.memory.answer import (
    Capacity,
    Estimate,
    LayerKind,
    ModelFacts,
    Suggestion,
    Weights,
)
from mixvllm.memory.estimate import effective_settings, kv_cache_size
from mixvllm.memory.explanation import GrowingLayers, explain
from mixvllm.memory.kv.plan import warnings
from mixvllm.memory.kv.planned_cache import KvGroup, KvPlan, KvRank
from mixvllm.memory.planned import overdrawn, planned
from mixvllm.memory.serving import ServingFacts
from mixvllm.memory.suggestions import suggest
from mixvllm.sizing.exact_check import agreement
from mixvllm.sizing.exact_facts import ExactFacts
from mixvllm.vllm_internals.planner_answers import Survey


def exact_estimate(facts: ExactFacts) -> Estimate:
    """The estimate by vLLM's answer.

    Raises:
        EstimateError: the weights of a named GPU are not known.
    """
    request, serving, survey = facts.request, facts.serving, facts.survey
    pool = _pool_bytes(facts)
    plan = _plan(facts, pool)
    check = agreement(facts, plan, pool)
    growing = _growing(survey, serving)
    return Estimate(
        model=_model_facts(facts),
        settings=replace(
            effective_settings(facts.description, request, serving, plan),
            dtype=survey.model.dtype,
            quantization=survey.model.quantization,
        ),
        kv_cache=kv_cache_size(growing, serving, plan),
        weights=_weights(facts),
        gpu=request.gpu,
        gpu_count=facts.ranks * request.data_parallel_size,
        budget=facts.budget,
        capacity=_capacity(facts, plan, pool),
        groups=plan.groups,
        suggestions=_suggestions(facts) if check.agrees else (),
        explanation=explain(growing, serving, plan, facts.weights, pool),
        vllm_version=facts.version,
        notes=(check.remark, *request.notes, *_notes(facts)),
        changes_needed=() if pool is None else plan.warnings,
        exact=check,
    )


def _pool_bytes(facts: ExactFacts) -> int | None:
    if facts.request.kv_cache_memory_bytes is not None:
        return facts.request.kv_cache_memory_bytes
    return None if facts.budget is None else max(0, facts.budget.kv_cache.best)


def _plan(facts: ExactFacts, pool: int | None) -> KvPlan:
    """VLLM's plan in our terms."""
    survey, serving = facts.survey, facts.serving
    seen, per_block = survey.pool, survey.bytes_per_block
    blocks = seen.num_blocks if seen else 0
    states = any(group.kind == "recurrent_state" for group in survey.groups)
    return KvPlan(
        dtype=survey.model.cache_dtype,
        block_size=survey.block_size,
        groups=tuple(KvGroup(**vars(group)) for group in survey.groups),
        ranks=tuple(
            KvRank(layers, size, pool or 0, (pool or 0) // size) for layers, size in survey.stages
        ),
        bytes_per_block=per_block,
        num_blocks=blocks,
        blocks_per_request=survey.blocks_per_request,
        bytes_per_request=survey.blocks_per_request * per_block,
        needed_bytes=(survey.blocks_per_request + 1) * per_block,
        max_concurrency=seen.max_concurrency if seen else 0.0,
        tokens=seen.tokens if seen else 0,
        fits=seen is not None and seen.refusal is None,
        max_model_len_that_fits=seen.max_model_len_that_fits if seen else 0,
        warnings=warnings(serving, blocks, has_states=states),
    )


def _capacity(facts: ExactFacts, plan: KvPlan, pool: int | None) -> Capacity | None:
    if pool is None:
        return None
    lacking = overdrawn(facts.budget, facts.request)
    low = high = None
    if facts.budget is not None and facts.budget.requested_bytes is not None:
        band = facts.budget.kv_cache
        low, high = (_tokens(facts, max(0, size)) for size in (band.low, band.high))
    return Capacity(
        pool_bytes=pool,
        tokens=plan.tokens,
        max_concurrency=plan.max_concurrency,
        num_blocks=plan.num_blocks,
        fits=plan.fits and not lacking,
        max_model_len_that_fits=plan.max_model_len_that_fits,
        tokens_low=low,
        tokens_high=high,
        overdrawn_bytes=lacking,
    )


def _tokens(facts: ExactFacts, pool: int) -> int:
    """VLLM's number of tokens for another pool: `int(blocks / blocks a request x length)`."""
    survey = facts.survey
    blocks = pool // survey.bytes_per_block
    return int(blocks / survey.blocks_per_request * survey.model.max_model_len)


def _growing(survey: Survey, serving: ServingFacts) -> list[list[GrowingLayers]]:
    return [
        [
            GrowingLayers(
                layers.kind,
                layers.count,
                Fraction(layers.growing_page_bytes, layers.block_size),
            )
            for layers in survey.layers
            if layers.stage == stage and layers.growing_page_bytes
        ]
        for stage in range(serving.pipeline_parallel_size)
    ]


def _model_facts(facts: ExactFacts) -> ModelFacts:
    seen = facts.survey.model
    counts: Counter[tuple[str, tuple[tuple[str, int], ...]]] = Counter()
    for layers in facts.survey.layers:
        sizes = {
            "kv_heads_per_gpu": layers.heads,
            "key_size": layers.key_size,
            "value_size": layers.value_size,
            "window": layers.window,
        }
        known = tuple((name, size) for name, size in sizes.items() if size)
        counts[layers.kind, known] += layers.count
    return ModelFacts(
        name=facts.name,
        architecture=seen.architecture,
        source=facts.source,
        parameters=facts.description.parameters,
        context_length=seen.context_length,
        layers=tuple(LayerKind(kind, n, dict(sizes)) for (kind, sizes), n in counts.items()),
    )


def _weights(facts: ExactFacts) -> Weights:
    """The total by files or formula, a GPU's share by vLLM."""
    on_rank, ours = facts.weights, facts.our_weights
    by_vllm = facts.survey.weights_bytes
    total = None if ours is None else ours.total_bytes
    source: str | None = None if ours is None else ours.source
    if by_vllm is not None:
        total = by_vllm if facts.ranks == 1 else total
        source = f"vLLM {facts.version}"
    return Weights(total, None if on_rank is None else on_rank.total_bytes, source)


def _suggestions(facts: ExactFacts) -> tuple[Suggestion, ...]:
    """Changes that hold more, by the built-in rules, which have been found to agree."""
    fixed = replace(facts.request, max_model_len=facts.survey.model.max_model_len)
    try:
        now = planned(facts.description, facts.our_weights, fixed)
    except EstimateError:
        return ()
    return suggest(facts.description, facts.our_weights, fixed, now)


def _notes(facts: ExactFacts) -> list[str]:
    """What is assumed."""
    notes = []
    if facts.survey.unbuilt_reason is not None:
        whose = "not known" if facts.weights is None else "those of the built-in rules"
        notes.append(
            f"This build of vLLM cannot make the quantized layers; the weights are {whose}, and "
            "the cache is that of the same model unquantized with its own cache format."
        )
    if facts.request.data_parallel_size > 1:
        notes.append(f"The numbers are for one of {facts.request.data_parallel_size} copies.")
    return notes
