"""Settings for a model on GPUs, chosen by the estimate: what `config init --gpu` writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from mixvllm.error_codes import ErrorCode
from mixvllm.errors import EstimateError
from mixvllm.memory.answer import Capacity, Estimate
from mixvllm.memory.defaults import default_length
from mixvllm.memory.gpu_table import Gpu
from mixvllm.memory.request import EstimateRequest
from mixvllm.models.found import FoundModel
from mixvllm.settings.schema import ServeConfig
from mixvllm.sizing.check import Checked, check
from mixvllm.sizing.finding import Case
from mixvllm.sizing.fit_rules import ways_out
from mixvllm.sizing.format_rules import served_dtype
from mixvllm.sizing.request import Choices, estimate_request
from mixvllm.sizing.shape_rules import rank_counts

MOST_GPUS = 8
# Shorter contexts are not worth a GPU less; between it and the model's own, the longest is taken.
LEAST_LENGTH = 8192
LENGTH_STEP = 1024
SMALL_BATCH = 2048


@dataclass(frozen=True)
class Wish:
    """What is asked for.

    Attributes:
        gpu: The GPU.
        gpus: How many of them, or None for the fewest.
        concurrency: Requests of full length that must run at once.
        max_model_len: Tokens of the longest request; None takes as many as fit, up to the
            model's own limit.
    """

    gpu: Gpu
    gpus: int | None = None
    concurrency: int | None = None
    max_model_len: int | None = None


@dataclass(frozen=True)
class Candidate:
    """One way to serve the model, and what the check says to it."""

    settings: ServeConfig
    checked: Checked

    @property
    def estimate(self) -> Estimate | None:
        """The estimate; None where there is none."""
        return self.checked.estimate

    @property
    def capacity(self) -> Capacity | None:
        """What its cache holds."""
        return self.estimate.capacity if self.estimate else None


@dataclass(frozen=True)
class Tuned:
    """The settings that were chosen.

    Attributes:
        wish: What was asked for.
        chosen: The best candidate.
        passed_over: Those that were tried before and hold too little, in order.
    """

    wish: Wish
    chosen: Candidate
    passed_over: tuple[Candidate, ...]


def tune(found: FoundModel, wish: Wish) -> Tuned:
    """Choose the fewest GPUs that hold what is wished, and then the longest context.

    Raises:
        EstimateError: nothing that was tried holds it, or its memory is not known.
    """
    passed_over: list[Candidate] = []
    for asked in _candidates(found, wish):
        candidate = _tried(found, wish, asked)
        if _holds(candidate, wish):
            longest = _longest(found, wish, candidate)
            return Tuned(wish, longest, tuple(passed_over))
        passed_over.append(candidate)
    raise _refusal(found, wish, passed_over)


def _candidates(found: FoundModel, wish: Wish) -> Iterator[dict[str, object]]:
    """Settings from the least to the most: GPUs, then the format of the cache, then the batch."""
    possible = [ranks for ranks in rank_counts(found.description) if ranks & (ranks - 1) == 0]
    counts = [wish.gpus] if wish.gpus else [ranks for ranks in possible if ranks <= MOST_GPUS]
    length = wish.max_model_len or min(LEAST_LENGTH, default_length(found.description))
    for ranks in counts:
        asked: dict[str, object] = {"tensor_parallel_size": ranks, "max_model_len": length}
        if wish.concurrency is not None:
            asked["max_num_seqs"] = wish.concurrency
        yield asked
        yield {**asked, "max_num_batched_tokens": max(SMALL_BATCH, wish.concurrency or 0)}
        yield {**asked, "kv_cache_dtype": "fp8"}


def _tried(found: FoundModel, wish: Wish, asked: dict[str, object]) -> Candidate:
    case = _case(found, wish, asked)
    if (dtype := served_dtype(case)) != case.asked.dtype:
        case = _case(found, wish, {**asked, "dtype": dtype})
    return Candidate(case.settings, check(case))


def _case(found: FoundModel, wish: Wish, asked: dict[str, object]) -> Case:
    model = {"name": found.description.name, "trust_remote_code": True}
    settings = ServeConfig.from_layers([{"model": model, "inference": asked}])

    def request() -> EstimateRequest:
        return replace(estimate_request(settings, Choices()), gpu=wish.gpu)

    return Case(settings, found, request, wish.gpu)


def _holds(candidate: Candidate, wish: Wish) -> bool:
    """Whether vLLM will start even with the least memory to expect, and run what is wished."""
    capacity, estimate = candidate.capacity, candidate.estimate
    if capacity is None or estimate is None or estimate.changes_needed:
        return False
    if any(finding.severity == "error" for finding in candidate.checked.findings):
        return False
    if candidate.settings.inference.kv_cache_dtype != "auto" and candidate.checked.findings:
        return False
    return bool(capacity.fits_low) and capacity.max_concurrency >= (wish.concurrency or 1)


def _longest(found: FoundModel, wish: Wish, candidate: Candidate) -> Candidate:
    """The candidate with the longest context that it holds, in steps."""
    if wish.max_model_len is not None:
        return candidate
    limit = default_length(found.description)
    asked = candidate.settings.inference.model_dump(exclude_unset=True)
    whole = _tried(found, wish, {**asked, "max_model_len": limit})
    if _holds(whole, wish):
        return whole
    low, high = LEAST_LENGTH // LENGTH_STEP, limit // LENGTH_STEP
    while low < high:
        middle = (low + high + 1) // 2
        longer = _tried(found, wish, {**asked, "max_model_len": middle * LENGTH_STEP})
        if _holds(longer, wish):
            low, candidate = middle, longer
        else:
            high = middle - 1
    return candidate


def shortfall(candidate: Candidate, wish: Wish) -> str:
    """Why a candidate was passed over, with its numbers."""
    for finding in candidate.checked.findings:
        if finding.severity == "error":
            return finding.message
    capacity = candidate.capacity
    if capacity is None:
        return "; ".join(candidate.checked.notes) or "its memory is not known"
    length = candidate.settings.inference.max_model_len
    if capacity.max_concurrency < (wish.concurrency or 1):
        return (
            f"{capacity.max_concurrency:.2f} requests of {length:,} tokens run at once, "
            f"not {wish.concurrency or 1}"
        )
    doubts = [finding.message for finding in candidate.checked.findings]
    return doubts[0] if doubts else "it fits only narrowly"


def _refusal(found: FoundModel, wish: Wish, tried: list[Candidate]) -> EstimateError:
    name = found.description.name
    if not tried:
        return EstimateError(
            f"{name} cannot be divided over GPUs of a power of two.", code="tensor-parallel-size"
        )
    last = next((each for each in reversed(tried) if each.estimate), tried[-1])
    plain = next(
        each for each in tried
        if each.settings.inference.tensor_parallel_size
        == last.settings.inference.tensor_parallel_size
    )  # fmt: skip
    ranks = plain.settings.inference.tensor_parallel_size
    if wish.gpu.name:
        several = f"{ranks} x {wish.gpu.name}" if ranks > 1 else f"one {wish.gpu.name}"
    else:
        several = f"{ranks} such GPUs" if ranks > 1 else "one such GPU"
    hint = _ways(plain, is_quantized=found.description.quantization is not None)
    wrong = [each.code for each in plain.checked.findings if each.severity == "error"]
    code: ErrorCode = wrong[0] if wrong else "kv-cache-too-small"
    return EstimateError(f"{name} on {several}: {shortfall(plain, wish)}.", hint=hint, code=code)


def _ways(candidate: Candidate, *, is_quantized: bool) -> str | None:
    if candidate.estimate is None:
        return None
    other = "a larger GPU" if is_quantized else "a larger GPU, or a quantized checkpoint"
    ways = [
        f"{way.change} ({way.max_concurrency:.2f} requests at once)"
        for way in ways_out(candidate.estimate)
    ]
    if not ways:
        advice = [finding.advice for finding in candidate.checked.findings if finding.advice]
        return f"{_sentence(advice[0] if advice else f'take {other}')}."
    return f"Ways out: {', or '.join(ways)}, or {other}."


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
