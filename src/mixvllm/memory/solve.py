"""Solve backwards: the length, the number of requests, the GPUs or the format that will do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from mixvllm.errors import EstimateError
from mixvllm.memory.defaults import default_length
from mixvllm.memory.gpu_table import Gpu, all_gpus, flag_of
from mixvllm.memory.request import EstimateRequest
from mixvllm.memory.solution import Option, Solution
from mixvllm.memory.suggestions import MOST_RANKS, levers
from mixvllm.memory.trial import Checkpoint, does, largest, served, tried
from mixvllm.memory.unknowns import Unknown
from mixvllm.memory.what_if import BYTES_BY_METHOD

# vLLM runs on no older NVIDIA GPU.
OLDEST_CAPABILITY = 7.0
# Other numbers of requests for which the longest context is told.
STEPS = (1, 2, 4, 8, 16, 32, 64, 128)
# What vLLM does while it loads; the other methods need a checkpoint that has been converted.
AT_LOAD = frozenset({"fp8", "bitsandbytes"})
# The first release of which it is known that `--quantization` takes no bitsandbytes any more.
WITHOUT_BITSANDBYTES = (0, 32)


def solved(
    unknown: Unknown, request: EstimateRequest, options: Iterable[Option], reason: str
) -> Solution:
    """The first option that fits is the answer; where none does, the reason is told."""
    tried_ones = tuple(options)
    answer = next((option for option in tried_ones if option.fits), None)
    return Solution(
        unknown=unknown,
        concurrency=request.concurrency or 1,
        load=request.load,
        options=tried_ones,
        answer=answer,
        reason=None if answer else reason,
        vllm_version=request.vllm_version or request.rules.name,
        notes=request.notes,
    )


def longest_context(checkpoint: Checkpoint, request: EstimateRequest) -> Solution:
    """The longest `--max-model-len` with which so many requests of it run at once.

    A length that is given bounds it. With a load the length need only let vLLM start.

    Raises:
        EstimateError: the config names no context length and none is given.
    """
    asked = request.concurrency or 1
    counts = (asked, *(count for count in STEPS if count != asked))
    options = [_longest(checkpoint, request, count) for count in counts]
    nearest = max((option for option in options if option.max_model_len), default=None, key=_count)
    reason = _nearest(options)
    if nearest is not None:
        reason = (
            f"the nearest is {nearest.value} at once, with --max-model-len {nearest.max_model_len}"
        )
    found = solved("max-model-len", request, options[:1], reason)
    return replace(found, options=tuple(sorted(options, key=lambda each: int(each.value))))


def _longest(checkpoint: Checkpoint, request: EstimateRequest, count: int) -> Option:
    asked = replace(request, concurrency=count)
    shortest = request.load.tokens if request.load else 1

    def with_length(length: int) -> EstimateRequest:
        return replace(asked, max_model_len=length)

    found = largest(
        lambda length: does(checkpoint, with_length(length)),
        shortest,
        _longest_asked(checkpoint, request),
    )
    option = tried(checkpoint, with_length(found or shortest), str(count), given=request)
    return option if found else replace(option, fits=False, max_model_len=None)


def _longest_asked(checkpoint: Checkpoint, request: EstimateRequest) -> int:
    if isinstance(request.max_model_len, int):
        return request.max_model_len
    model = checkpoint.description
    return model.context_length or default_length(model)


def _count(option: Option) -> int:
    return int(option.value)


def most_requests(checkpoint: Checkpoint, request: EstimateRequest) -> Solution:
    """The most requests that run at once, and what other settings would hold.

    Raises:
        EstimateError: vLLM would refuse the settings.
    """
    plain = replace(request, concurrency=None)
    _, now = served(checkpoint, plain)
    best = _most(checkpoint, plain, "as asked", given=request)
    fixed = replace(plain, max_model_len=now.serving.max_model_len)
    better = [
        option
        for change in levers(fixed, now, None)
        for option in (_most(checkpoint, replace(fixed, **change), "", given=fixed),)
        if option.fits and (option.at_once or 0) > (best.at_once or 0)
    ]
    better.sort(key=lambda each: -(each.at_once or 0))
    options = [best, *(replace(each, value=each.flags[0]) for each in better)]
    reason = _nearest(options)
    if longest := now.plan.max_model_len_that_fits:
        reason = f"one of {now.serving.max_model_len:,} tokens does not fit; {longest:,} tokens do"
    found = solved("concurrency", request, options[:1], reason)
    return replace(found, concurrency=best.at_once or 1, options=tuple(options))


def _most(
    checkpoint: Checkpoint, request: EstimateRequest, value: str, *, given: EstimateRequest
) -> Option:
    """The settings with the most requests at once that they hold.

    More sequences at once take memory themselves, so that fewer may fit than are counted first.
    """
    first = tried(checkpoint, request, value, given=given)
    if not first.fits:
        return first
    most = largest(
        lambda count: does(checkpoint, replace(request, concurrency=count)), 1, first.at_once or 1
    )
    option = tried(checkpoint, replace(request, concurrency=most or 1), value, given=given)
    return replace(option, at_once=most)


def fewest_gpus(checkpoint: Checkpoint, request: EstimateRequest) -> Solution:
    """The fewest GPUs, by the tensor-parallel sizes that divide the attention heads."""
    heads = checkpoint.description.attention_heads
    options = [
        tried(
            checkpoint,
            replace(request, tensor_parallel_size=ranks),
            f"{ranks * request.pipeline_parallel_size * request.data_parallel_size}",
            given=request,
        )
        for ranks in range(1, MOST_RANKS + 1)
        if heads % ranks == 0
    ]
    reason = f"none up to {MOST_RANKS} GPUs a pipeline stage do; {_nearest(options)}"
    return solved("gpus", request, options, reason)


def smallest_gpu(checkpoint: Checkpoint, request: EstimateRequest) -> Solution:
    """The GPU of the table with the least memory that will do."""
    options = [
        tried(checkpoint, replace(request, gpu=gpu), flag_of(gpu), given=request)
        for gpu in sorted(all_gpus(), key=lambda each: each.total_bytes)
        if _is_served(gpu)
    ]
    return solved("gpu", request, options, f"no GPU of the table does; {_nearest(options)}")


def _is_served(gpu: Gpu) -> bool:
    is_nvidia = gpu.vendor == "NVIDIA" and gpu.compute_capability is not None
    return not is_nvidia or float(gpu.compute_capability or 0) >= OLDEST_CAPABILITY


def lightest_change(checkpoint: Checkpoint, request: EstimateRequest) -> Solution:
    """The quantization that takes least from the weights and will do, the checkpoint's own first.

    Only methods whose size is known here are tried; a checkpoint that is quantized stays so.
    """
    own = checkpoint.description.quantization
    options = [_with_method(checkpoint, request, None)]
    if own is None:
        methods = sorted(BYTES_BY_METHOD, key=lambda name: -BYTES_BY_METHOD[name])
        if request.rules.version >= WITHOUT_BITSANDBYTES:
            methods.remove("bitsandbytes")
        options += [_with_method(checkpoint, request, method) for method in methods]
    reason = _nearest(options)
    if own is not None:
        reason += f"; the checkpoint is in {own} already, and that cannot be quantized again"
    return solved("quantization", request, options, reason)


def _with_method(checkpoint: Checkpoint, request: EstimateRequest, method: str | None) -> Option:
    model = checkpoint.description
    own = model.quantization or (model.dtype if request.dtype == "auto" else request.dtype)
    needs = None if method is None or method in AT_LOAD else f"a checkpoint in {method}"
    asked = replace(request, quantization=method)
    given = replace(request, quantization=None)
    return tried(checkpoint, asked, method or f"{own} (as it is)", given=given, needs=needs)


def _nearest(options: Iterable[Option]) -> str:
    """What comes nearest to what is asked for."""
    judged = [option for option in options if option.refusal is None]
    best = max(judged, key=lambda each: (each.at_once or 0, each.pool_bytes or 0), default=None)
    if best is None:
        first = next(iter(options), None)
        return first.refusal.rstrip(".") if first and first.refusal else "nothing could be tried"
    if not best.pool_bytes:
        return "weights and overheads leave no memory for the KV cache"
    if not best.at_once:
        return f"the nearest is {best.value}, which does not hold one request"
    return f"the nearest is {best.value}, which holds {best.at_once}"


SOLVERS: dict[Unknown, Callable[[Checkpoint, EstimateRequest], Solution]] = {
    "max-model-len": longest_context,
    "concurrency": most_requests,
    "gpus": fewest_gpus,
    "gpu": smallest_gpu,
    "quantization": lightest_change,
}


def solve(unknown: Unknown, checkpoint: Checkpoint, request: EstimateRequest) -> Solution:
    """Find the unknown for one model.

    Raises:
        EstimateError: vLLM would refuse the settings, or what they ask for is not modelled.
    """
    if unknown not in SOLVERS:
        raise EstimateError(f"{unknown} is not looked for in one model.")
    return SOLVERS[unknown](checkpoint, request)
