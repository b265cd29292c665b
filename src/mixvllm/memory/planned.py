"""A model as it would be served: its weights and memory on a GPU, and what the planner decides."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mixvllm.errors import EstimateError
from mixvllm.memory.budget import Budget, memory_budget
from mixvllm.memory.kv.blocks import resolved_dtype
from mixvllm.memory.kv.groups import Group
from mixvllm.memory.kv.plan import model_groups, plan_groups
from mixvllm.memory.kv.planned_cache import KvPlan
from mixvllm.memory.measured import Measurement, conditions_of, that_holds
from mixvllm.memory.request import EstimateRequest, as_asked, serving_facts
from mixvllm.memory.serving import ServingFacts
from mixvllm.memory.weights import RankWeights, rank_weights
from mixvllm.memory.what_if import weights_as_asked
from mixvllm.models.description import ModelDescription
from mixvllm.models.weights.groups import WeightFacts


@dataclass(frozen=True)
class Planned:
    """What follows from one request.

    Attributes:
        serving: The settings, defaults filled in.
        weights: The weights on the most loaded GPU, or None where they are not known.
        budget: The memory of that GPU, or None where no GPU is named.
        pool_bytes: The memory of the cache there; None where it is not known.
        groups: The groups of layers that the plan is made of.
        plan: What vLLM plans, of an empty pool where none is known.
        longest_allowed: The longest request that may be asked for: the model's own context, or
            the asked length where that is more.
        overdrawn_bytes: What a GPU lacks for a cache whose size was given.
        measured: The start-up that the budget is taken from, or None where it is estimated.
    """

    serving: ServingFacts
    weights: RankWeights | None
    budget: Budget | None
    pool_bytes: int | None
    groups: tuple[Group, ...]
    plan: KvPlan
    longest_allowed: int
    overdrawn_bytes: int = 0
    measured: Measurement | None = None

    @property
    def fits(self) -> bool:
        """Whether vLLM would start."""
        return self.plan.fits and not self.overdrawn_bytes


def planned_as_asked(
    checkpoint: ModelDescription, weights: WeightFacts | None, request: EstimateRequest
) -> tuple[ModelDescription, WeightFacts | None, Planned]:
    """A checkpoint and its weights in the formats that are asked for, and their plan.

    Raises:
        EstimateError: vLLM would refuse the settings, or what they ask for is not modelled.
    """
    description = as_asked(checkpoint, request)
    loaded = weights_as_asked(
        weights, checkpoint, dtype=description.dtype, quantization=request.quantization
    )
    return description, loaded, planned(description, loaded, request)


def planned(
    description: ModelDescription, weights: WeightFacts | None, request: EstimateRequest
) -> Planned:
    """Plan a model; a length of `auto` becomes the longest that fits.

    Raises:
        EstimateError: vLLM would refuse the settings, or what they ask for is not modelled.
    """
    serving = serving_facts(description, request)
    on_rank = _on_rank(weights, description, serving, request.data_parallel_size)
    measured = _measured(description, serving, request)
    budget = budget_of(description, on_rank, serving, request, measured)
    pool = request.kv_cache_memory_bytes
    if pool is None and budget is not None:
        pool = max(0, budget.kv_cache.best)
    groups, plan = _plan(description, serving, pool or 0)
    longest = min(plan.max_model_len_that_fits, serving.max_model_len)
    if request.max_model_len == "auto" and pool is not None and longest > 0:
        serving = replace(serving, max_model_len=longest)
        groups, plan = _plan(description, serving, pool)
    allowed = max(serving.max_model_len, description.context_length or 0)
    lacking = overdrawn(budget, request)
    return Planned(serving, on_rank, budget, pool, groups, plan, allowed, lacking, measured)


def _plan(
    description: ModelDescription, serving: ServingFacts, pool: int
) -> tuple[tuple[Group, ...], KvPlan]:
    dtype = resolved_dtype(description, serving)
    groups = tuple(model_groups(description, serving, dtype))
    return groups, plan_groups(groups, description, serving, pool, dtype)


def _on_rank(
    weights: WeightFacts | None, description: ModelDescription, serving: ServingFacts, copies: int
) -> RankWeights | None:
    """The weights on one GPU; not known for copies that share a mixture of experts."""
    if weights is None or (description.is_moe and copies > 1):
        return None
    return rank_weights(weights, description, serving)


def _measured(
    description: ModelDescription, serving: ServingFacts, request: EstimateRequest
) -> Measurement | None:
    """The measurement that holds; none for a cache whose size is given, or for several copies."""
    if request.gpu is None or request.kv_cache_memory_bytes or request.data_parallel_size > 1:
        return None
    if not request.measurements:
        return None
    conditions = conditions_of(
        description,
        serving,
        request.gpu,
        quantization=request.quantization or description.quantization,
        kv_cache_dtype=resolved_dtype(description, serving),
        arguments=request.memory_arguments,
    )
    return that_holds(request.measurements, conditions)


def budget_of(
    description: ModelDescription,
    weights: RankWeights | None,
    serving: ServingFacts,
    request: EstimateRequest,
    measured: Measurement | None = None,
) -> Budget | None:
    """The memory of the named GPU; None where none is named.

    Raises:
        EstimateError: the weights are not known.
    """
    if request.gpu is None or (weights is None and request.gpu_is_present):
        return None
    if measured is not None and (weights is not None or measured.weights_bytes):
        computed = weights.total_bytes + weights.buffer_bytes if weights else 0
        return measured.budget(request.gpu, request.gpu_memory_utilization, computed)
    if weights is None:
        raise EstimateError(
            f"The size of the weights of {description.name} on a GPU is not known, so what they "
            "leave for the KV cache is not either.",
            hint="Leave --gpu out, and give --kv-cache-memory SIZE.",
        )
    return memory_budget(
        description,
        weights,
        serving,
        request.gpu,
        request.gpu_memory_utilization,
        kv_cache_memory_bytes=request.kv_cache_memory_bytes,
    )


def overdrawn(budget: Budget | None, request: EstimateRequest) -> int:
    """What a GPU lacks for a given cache, which vLLM takes as it is beside the rest."""
    if budget is None or request.gpu is None or request.kv_cache_memory_bytes is None:
        return 0
    # The estimate of the graphs is a reserve of vLLM's own share, not of a given cache.
    taken = budget.weights_bytes + budget.activation.best + budget.other.best
    return max(0, taken + request.kv_cache_memory_bytes - request.gpu.total_bytes)
