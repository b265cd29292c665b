"""Every term of a start-up: what was predicted, what was measured, and how far they are apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from mixvllm.memory.answer import Estimate
from mixvllm.sizes import GIB

Unit = Literal["bytes", "tokens", "requests"]
# Logs round GiB to two decimals.
ROUNDING = GIB // 200


@dataclass(frozen=True)
class TermComparison:
    """One term; None where it was not predicted or not printed.

    Attributes:
        term: Its name.
        unit: Of both numbers.
        predicted: Our number.
        measured: vLLM's.
        predicted_range: The bounds of ours, where what it rests on is rounded in the log.
    """

    term: str
    unit: Unit
    predicted: float | None
    measured: float | None
    predicted_range: tuple[float, float] | None = None

    @property
    def difference(self) -> float | None:
        """Predicted less measured."""
        if self.predicted is None or self.measured is None:
            return None
        return self.predicted - self.measured

    @property
    def agrees(self) -> bool | None:
        """Whether the measured number lies in the range; None where there is none."""
        if self.predicted_range is None or self.measured is None:
            return None
        low, high = self.predicted_range
        return low <= self.measured <= high


def compared(
    measured: Mapping[str, float],
    estimate: Estimate | None,
    converted: tuple[Estimate, Estimate, Estimate] | None,
) -> tuple[TermComparison, ...]:
    """The terms, those first that the others come from.

    Args:
        measured: The figures of a log, by the names of `vllm_internals/startup_log.py`.
        estimate: What the settings alone give.
        converted: What the measured memory of the cache gives: its least, its printed and its
            greatest value.
    """
    return tuple(
        row
        for row in (*_memory(measured, estimate), *_capacity(measured, estimate, converted))
        if row.measured is not None or row.predicted
    )


def beside_the_weights(measured: Mapping[str, float]) -> float | None:
    """Bytes that vLLM took of its share beside cache and weights, where the log tells."""
    taken = taken_bytes(measured)
    weights = measured.get("weights_gib")
    return None if taken is None or weights is None else taken - weights * GIB


def taken_bytes(measured: Mapping[str, float]) -> int | None:
    """Bytes that vLLM took of its share beside the cache."""
    requested = measured.get("requested_gib")
    if requested is None and {"total_gib", "gpu_memory_utilization"} <= measured.keys():
        requested = measured["total_gib"] * measured["gpu_memory_utilization"]
    if requested is None or "available_gib" not in measured:
        return None
    return int((requested - measured["available_gib"]) * GIB)


def _memory(measured: Mapping[str, float], estimate: Estimate | None) -> Iterator[TermComparison]:
    budget = estimate.budget if estimate else None
    weights = estimate.weights.bytes_per_gpu if estimate else None
    total = peak = graphs = None
    if budget is not None:
        weights, peak, graphs = budget.weights_bytes, budget.activation.best, budget.cuda_graph.best
        total = peak + graphs + budget.other.best
    yield _size("weights", weights, _bytes(measured, "weights_gib"))
    yield _size("beside the weights", total, beside_the_weights(measured))
    activation = _bytes(measured, "activation_gib")
    if activation is not None and "consumed_gib" in measured:
        # Where the context is counted with the weights, the graphs are counted with the peak.
        activation -= _bytes(measured, "graphs_estimate_gib") or 0
    yield _size("  of it activations", peak, activation)
    yield _size("  of it CUDA graphs", graphs, _bytes(measured, "graphs_estimate_gib"))
    yield _size("CUDA graphs, captured", None, _bytes(measured, "graphs_gib"))
    pool: int | None = None
    if budget is not None:
        pool = budget.kv_cache.best
    elif estimate is not None and estimate.capacity is not None:
        pool = estimate.capacity.pool_bytes
    yield _size("KV cache", pool, _bytes(measured, "available_gib"))


def _capacity(
    measured: Mapping[str, float],
    estimate: Estimate | None,
    converted: tuple[Estimate, Estimate, Estimate] | None,
) -> Iterator[TermComparison]:
    capacity = estimate.capacity if estimate else None
    tokens, requests = measured.get("tokens"), measured.get("max_concurrency")
    own_tokens = capacity.tokens if capacity else None
    own_requests = capacity.max_concurrency if capacity else None
    yield TermComparison("KV cache tokens", "tokens", own_tokens, tokens)
    yield TermComparison("requests at once", "requests", own_requests, requests)
    if converted is None or tokens is None:
        return
    low, best, high = (each.capacity.tokens for each in converted if each.capacity)
    yield TermComparison("tokens of the measured KV cache", "tokens", best, tokens, (low, high))


def _size(term: str, predicted: float | None, measured: float | None) -> TermComparison:
    return TermComparison(term, "bytes", predicted, measured)


def _bytes(measured: Mapping[str, float], name: str) -> float | None:
    return measured[name] * GIB if name in measured else None
