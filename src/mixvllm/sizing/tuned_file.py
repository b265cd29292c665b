"""Tuned settings as a commented config file: at each line the numbers that led to it."""

from __future__ import annotations

from dataclasses import dataclass

from mixvllm.memory.answer import Capacity, Estimate
from mixvllm.memory.budget import Budget
from mixvllm.models.description import ModelDescription
from mixvllm.settings.starter import ChosenValue, starter_file
from mixvllm.sizing.finding import (
    BATCH,
    DTYPE,
    KV_DTYPE,
    LENGTH,
    SEQUENCES,
    TENSOR_PARALLEL,
    UTILIZATION,
    in_gib,
)
from mixvllm.sizing.shape_rules import needs_remote_code
from mixvllm.sizing.tune import Candidate, Tuned, shortfall

TRUST = "model.trust_remote_code"


def tuned_file(tuned: Tuned, model: ModelDescription, *, schema: str | None = None) -> str:
    """The file for a choice.

    Args:
        tuned: The choice.
        model: The model, as it was found.
        schema: Where an editor finds the JSON Schema, seen from the file; None leaves it out.
    """
    return starter_file(
        model.name,
        schema=schema,
        chosen=_chosen(tuned, model),
        heading=_heading(tuned, _facts(tuned)),
    )


@dataclass(frozen=True)
class _Facts:
    """What the chosen candidate came to, all of it known."""

    estimate: Estimate
    capacity: Capacity
    budget: Budget


def _facts(tuned: Tuned) -> _Facts:
    estimate = tuned.chosen.estimate
    assert estimate is not None
    assert estimate.capacity is not None
    assert estimate.budget is not None
    return _Facts(estimate, estimate.capacity, estimate.budget)


def _heading(tuned: Tuned, facts: _Facts) -> list[str]:
    estimate, capacity = facts.estimate, facts.capacity
    length = estimate.settings.max_model_len
    return [
        f"{estimate.model.name} on {_gpus(tuned)}, tuned by `mixvllm config init`.",
        f"Predicted by the rules of vLLM {estimate.vllm_version}: a KV cache of about "
        f"{capacity.tokens:,} tokens",
        f"({capacity.tokens_low or 0:,} to {capacity.tokens_high or 0:,}), "
        f"{capacity.max_concurrency:.2f} requests of {length:,} tokens at once.",
    ]


def _gpus(tuned: Tuned) -> str:
    gpu, count = tuned.wish.gpu, tuned.chosen.settings.inference.tensor_parallel_size
    size = in_gib(gpu.total_bytes)
    name = f"{gpu.name} ({size})" if gpu.name else f"GPU of {size}"
    return f"{count} x {name}" if count > 1 else f"one {name}"


def _chosen(tuned: Tuned, model: ModelDescription) -> dict[str, ChosenValue]:
    facts, asked = _facts(tuned), tuned.chosen.settings.inference
    effective = facts.estimate.settings
    chosen = {
        TENSOR_PARALLEL: ChosenValue(asked.tensor_parallel_size, _why_gpus(tuned)),
        UTILIZATION: ChosenValue(asked.gpu_memory_utilization, _why_share(facts)),
        LENGTH: ChosenValue(effective.max_model_len, _why_length(tuned, facts, model)),
        DTYPE: ChosenValue(_own_dtype(asked.dtype), _why_dtype(tuned, model)),
        KV_DTYPE: ChosenValue(asked.kv_cache_dtype, _why_format(tuned)),
        SEQUENCES: ChosenValue(effective.max_num_seqs, _why_sequences(tuned, facts)),
        BATCH: ChosenValue(effective.max_num_batched_tokens, _why_batch(tuned)),
    }
    if needs_remote_code(model):
        reason = "This model's config is read by code of its own: read that code first."
        chosen[TRUST] = ChosenValue(True, reason)
    return chosen


def _why_gpus(tuned: Tuned) -> str:
    if tuned.wish.gpus is not None:
        return "As asked for."
    ranks = tuned.chosen.settings.inference.tensor_parallel_size
    fewer = [c for c in tuned.passed_over if c.settings.inference.tensor_parallel_size < ranks]
    if not fewer:
        return "One holds it."
    last = fewer[-1].settings.inference.tensor_parallel_size
    first = next(c for c in fewer if c.settings.inference.tensor_parallel_size == last)
    return f"The fewest that hold it; with {last}: {shortfall(first, tuned.wish)}."


def _why_share(facts: _Facts) -> str:
    budget, gpu = facts.budget, facts.estimate.gpu
    assert gpu is not None
    rest = budget.activation.best + budget.cuda_graph.best + budget.other.best
    return (
        f"{in_gib(budget.requested_bytes or 0)} of {in_gib(gpu.total_bytes)}: "
        f"{in_gib(budget.weights_bytes)} of weights, about {in_gib(rest)} for activations, CUDA "
        f"graphs and the rest, and about {in_gib(facts.capacity.pool_bytes)} of KV cache."
    )


def _why_length(tuned: Tuned, facts: _Facts, model: ModelDescription) -> str:
    one = in_gib(facts.estimate.kv_cache.bytes_per_request_per_gpu)
    length, wanted = facts.estimate.settings.max_model_len, tuned.wish.concurrency or 1
    limit = model.context_length
    each = f"One request of this length takes {one} of KV cache on each GPU"
    if tuned.wish.max_model_len is not None:
        return f"As asked for. {each}."
    if limit is None or length >= limit:
        return f"All that the model allows. {each}."
    several = f"at which {wanted} such requests run at once" if wanted > 1 else "that surely fits"
    return f"{each}. The longest {several}; the model allows {limit:,}."


def _own_dtype(dtype: str) -> str | None:
    return None if dtype == "auto" else dtype


def _why_dtype(tuned: Tuned, model: ModelDescription) -> str:
    if tuned.chosen.settings.inference.dtype == "auto":
        return f"Left to the checkpoint, which is in {model.dtype}."
    return f"The checkpoint is in {model.dtype}, which this GPU cannot compute in."


def _why_format(tuned: Tuned) -> str:
    asked = tuned.chosen.settings.inference
    if asked.kv_cache_dtype == "auto":
        return "The checkpoint's own format holds what is asked for."
    same = [c for c in tuned.passed_over if _ranks(c) == asked.tensor_parallel_size]
    return f"Needed: without it, {shortfall(same[0], tuned.wish)}."


def _ranks(candidate: Candidate) -> int:
    return candidate.settings.inference.tensor_parallel_size


def _why_sequences(tuned: Tuned, facts: _Facts) -> str:
    if tuned.wish.concurrency is None:
        return "vLLM's own choice for this GPU."
    held = facts.capacity.max_concurrency
    return f"As asked for; the KV cache holds {held:.2f} requests of full length."


def _why_batch(tuned: Tuned) -> str:
    asked = tuned.chosen.settings.inference
    if asked.max_num_batched_tokens is None:
        return "vLLM's own choice for this GPU and these requests."
    same = [c for c in tuned.passed_over if _ranks(c) == asked.tensor_parallel_size]
    return f"Less than vLLM would take: with its own choice, {shortfall(same[0], tuned.wish)}."
