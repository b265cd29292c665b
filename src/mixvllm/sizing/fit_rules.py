"""Whether what is asked for fits into the memory, by the estimate."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mixvllm.sizes import GIB
from mixvllm.sizing.finding import (
    COPIES,
    CPU_POOL,
    LENGTH,
    MODEL,
    PIPELINE,
    SEQUENCES,
    TENSOR_PARALLEL,
    UTILIZATION,
    Case,
    Finding,
    MachineMemory,
    gpus_wanted,
    in_gib,
)

if TYPE_CHECKING:
    from mixvllm.memory.answer import Estimate, Suggestion

WAYS_OUT = 3
MORE_GPUS = "--tensor-parallel-size"


def count_findings(case: Case) -> Iterator[Finding]:
    """More GPUs asked for than there are."""
    wanted = gpus_wanted(case.asked)
    if case.gpu_count is None or wanted <= case.gpu_count:
        return
    has = f"{case.gpu_count} GPU{'s are' if case.gpu_count != 1 else ' is'} here"
    ray = case.settings.inference.distributed_executor_backend == "ray"
    yield Finding(
        (TENSOR_PARALLEL, PIPELINE, COPIES),
        f"{wanted} GPUs are asked for, and {has}",
        "warning" if ray else "error",
        "Ray must find the others on other machines" if ray else None,
        code="not-enough-gpus",
    )


def fit_findings(case: Case, answer: Estimate) -> Iterator[Finding]:
    """What does not fit, or may not."""
    if answer.capacity is None:
        return
    if case.memory is not None:
        yield from _machine_memory(case, answer)
    if _weights_are_too_large(answer):
        yield _too_large_weights(case, answer)
    elif not answer.capacity.fits:
        yield _too_small_pool(case, answer)
    elif answer.capacity.fits_low is False:
        yield _narrow(answer)
    for change in answer.changes_needed:
        yield Finding((SEQUENCES, MODEL), change.rstrip("."), code="too-many-sequences")


def ways_out(answer: Estimate) -> tuple[Suggestion, ...]:
    """The computed changes that help most; of those that take more GPUs, the one with fewest."""
    more_gpus = [way for way in answer.suggestions if way.change.startswith(MORE_GPUS)]
    fewest = min(more_gpus, key=lambda way: way.tokens, default=None)
    kept = [way for way in answer.suggestions if way not in more_gpus or way == fewest]
    return tuple(kept[:WAYS_OUT])


def _weights_are_too_large(answer: Estimate) -> bool:
    budget = answer.budget
    return (
        budget is not None
        and budget.requested_bytes is not None
        and budget.weights_bytes > budget.requested_bytes
    )


def _too_large_weights(case: Case, answer: Estimate) -> Finding:
    budget, gpu = answer.budget, answer.gpu
    assert budget is not None
    assert budget.requested_bytes is not None
    assert gpu is not None
    share = case.asked.gpu_memory_utilization
    return Finding(
        (TENSOR_PARALLEL, MODEL),
        f"does not fit: the weights take {in_gib(budget.weights_bytes)} on each GPU, and vLLM's "
        f"share of {_name(answer)} is {in_gib(budget.requested_bytes)} "
        f"({share:g} of {in_gib(gpu.total_bytes)})",
        ways_out=ways_out(answer),
        code="weights-too-large",
    )


def _too_small_pool(case: Case, answer: Estimate) -> Finding:
    capacity, length = answer.capacity, answer.settings.max_model_len
    assert capacity is not None
    needed = answer.kv_cache.bytes_per_request_per_gpu
    keys: tuple[str, ...] = (LENGTH, TENSOR_PARALLEL, MODEL)
    if capacity.overdrawn_bytes:
        message = (
            f"does not fit: {_name(answer)} lacks {in_gib(capacity.overdrawn_bytes)} for a KV "
            f"cache of {in_gib(capacity.pool_bytes)} beside the weights and the rest"
        )
        return Finding(
            ("vllm.kv_cache_memory_bytes", MODEL),
            message,
            ways_out=ways_out(answer),
            code="kv-cache-too-small",
        )
    may = capacity.fits_high is True
    ways, advice = ways_out(answer), _longest(capacity.max_model_len_that_fits)
    left = f"{in_gib(capacity.pool_bytes)} {_of_what(case, answer)}"
    if case.memory is not None:
        keys = (LENGTH, CPU_POOL, MODEL)
        # Each rank of a CPU build takes a pool of its own out of the same memory.
        ways = tuple(way for way in ways if not way.change.startswith(MORE_GPUS))
        advice = _larger_pool(case.memory, answer) or advice
    return Finding(
        keys,
        f"{'probably does' if may else 'does'} not fit: one request of {length:,} tokens takes "
        f"{in_gib(needed)} of KV cache, and there {'is about' if may else 'is'} {left}",
        "warning" if may else "error",
        advice,
        ways,
        code="kv-cache-too-small",
    )


def _larger_pool(memory: MachineMemory, answer: Estimate) -> str | None:
    """A pool for one longest request and the block that is never lent, if there is room."""
    request = answer.kv_cache.bytes_per_request_per_gpu
    needed = request + request // sum(group.blocks_per_request for group in answer.groups)
    room = memory.total_bytes - (answer.weights.total_bytes or 0)
    if needed * answer.gpu_count > room:
        return None
    return f"set cpu_kv_cache_gib to at least {math.ceil(needed / GIB * 100) / 100:.2f}"


def _of_what(case: Case, answer: Estimate) -> str:
    if case.memory is not None:
        return "(`inference.cpu_kv_cache_gib`)"
    budget, gpu = answer.budget, answer.gpu
    if budget is None or gpu is None or budget.requested_bytes is None:
        return "of it"
    rest = budget.activation.best + budget.cuda_graph.best + budget.other.best
    return (
        f"on {_name(answer)} ({in_gib(budget.requested_bytes)} less {in_gib(budget.weights_bytes)} "
        f"of weights and about {in_gib(rest)} for the rest)"
    )


def _longest(length: int) -> str | None:
    return f"the longest that fits is {length:,} tokens" if length else None


def _narrow(answer: Estimate) -> Finding:
    capacity = answer.capacity
    assert capacity is not None
    return Finding(
        (LENGTH, UTILIZATION, MODEL),
        f"fits narrowly: about {capacity.tokens:,} tokens of KV cache on {_name(answer)}, but "
        f"perhaps only {capacity.tokens_low or 0:,}, less than one request of "
        f"{answer.settings.max_model_len:,}",
        "warning",
        ways_out=ways_out(answer),
        code="fits-narrowly",
    )


def _machine_memory(case: Case, answer: Estimate) -> Iterator[Finding]:
    """CPU builds: weights and cache lie in the machine's memory, for every rank its own."""
    assert case.memory is not None
    assert answer.capacity is not None
    ranks = answer.gpu_count
    cache = answer.capacity.pool_bytes * ranks
    weights = answer.weights.total_bytes or 0
    needed = weights + cache
    numbers = f"{in_gib(weights)} of weights and {in_gib(cache)} of KV cache are {in_gib(needed)}"
    if needed > case.memory.total_bytes:
        yield Finding(
            (CPU_POOL, MODEL),
            f"does not fit: {numbers}, and this machine has {in_gib(case.memory.total_bytes)}",
            advice=_smaller_pool(case.memory.total_bytes - weights, ranks),
            code="machine-memory",
        )
    elif needed > case.memory.available_bytes:
        yield Finding(
            (CPU_POOL, MODEL),
            f"may not fit: {numbers}, and {in_gib(case.memory.available_bytes)} of this "
            "machine's memory are free",
            "warning",
            code="machine-memory",
        )


def _smaller_pool(left: int, ranks: int) -> str:
    if left <= 0:
        return "take a smaller model, or one that is quantized"
    return f"at most {in_gib(left // ranks)} can be `inference.cpu_kv_cache_gib`"


def _name(answer: Estimate) -> str:
    gpu = answer.gpu
    if gpu is None:
        return "the GPU"
    return f"one {gpu.name}" if gpu.name else f"a GPU of {in_gib(gpu.total_bytes)}"
