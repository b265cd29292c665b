"""The built-in rules held against vLLM's own answer."""

from __future__ import annotations

from dataclasses import replace

from mixvllm.errors import EstimateError, ModelError
from mixvllm.memory.answer import ExactCheck
from mixvllm.memory.kv.planned_cache import KvPlan
from mixvllm.memory.planned import Planned, planned
from mixvllm.sizing.exact_facts import ExactFacts

ALWAYS = ("block_size", "bytes_per_block", "blocks_per_request")
# What a pool decides.
WITH_POOL = ("num_blocks", "tokens", "max_concurrency", "fits", "max_model_len_that_fits")
# What our weights on a rank may be off by.
WEIGHTS_TOLERANCE = 0.005


def agreement(facts: ExactFacts, exact: KvPlan, pool: int | None) -> ExactCheck:
    """Whether the built-in rules say what vLLM says, of a pool of this size.

    Args:
        facts: What vLLM and the rules know.
        exact: What vLLM planned.
        pool: Bytes of the cache on each GPU, or None.
    """
    planner, ours = f"vLLM {facts.version}", facts.ours
    if isinstance(ours, ModelError):
        return ExactCheck(planner, None, f"The built-in rules do not answer: {ours.message}")
    serving = facts.serving
    same = replace(
        facts.request,
        max_model_len=serving.max_model_len,
        max_num_batched_tokens=serving.max_num_batched_tokens,
        max_num_seqs=serving.max_num_seqs,
        gpu=None,
        kv_cache_memory_bytes=pool,
        may_exceed_context=True,
    )
    try:
        now = planned(facts.description, facts.our_weights, same)
    except EstimateError as error:
        return ExactCheck(planner, None, f"The built-in rules do not answer: {error.message}")
    found = _differences(now.plan, exact, with_pool=pool is not None)
    found += _weights_difference(now, facts.survey.weights_bytes)
    if not found:
        return ExactCheck(planner, True, f"{planner} and the built-in rules agree.")
    return ExactCheck(
        planner,
        False,
        f"The built-in rules differ from {planner}: {'; '.join(found)}. That is a bug of mixvllm: "
        "please report it to its developers, with this command and the config.json.",
    )


def _differences(ours: KvPlan, exact: KvPlan, *, with_pool: bool) -> list[str]:
    names = (*ALWAYS, *(WITH_POOL if with_pool else ()))
    return [
        f"{name} is {_number(theirs)} by vLLM, {_number(own)} by the rules"
        for name in names
        if (theirs := getattr(exact, name)) != (own := getattr(ours, name))
    ]


def _weights_difference(ours: Planned, exact: int | None) -> list[str]:
    if exact is None or ours.weights is None or ours.weights.exactness == "total divided":
        return []
    own = ours.weights.total_bytes
    if abs(own - exact) <= WEIGHTS_TOLERANCE * exact:
        return []
    return [f"weights on a GPU are {exact:,} bytes by vLLM, {own:,} by the rules"]


def _number(value: float) -> str:
    return str(value) if isinstance(value, bool) else f"{value:,}"
