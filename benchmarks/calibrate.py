"""Fits the overheads of `mixvllm.memory` to real start-ups, and says how well they predict others.

    python -m benchmarks.calibrate

Each start-up gives one equation: share of the GPU - weights - cache = peak + terms. The peak is a
formula; each term is moved to the median of what the others leave, in turn, until nothing moves.
"From settings alone" takes nothing from the log but its settings: the weights are ours, too.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from mixvllm.memory.kv.plan import plan_kv_cache
from mixvllm.memory.overheads import Term, overhead_terms, peak_bytes
from mixvllm.memory.weights import rank_weights
from mixvllm.sizes import GIB
from tests.memory.logs import ROWS, LogRow

ROUNDS = 60


@dataclass(frozen=True)
class Observation:
    """What a start-up left for terms beside the peak."""

    row: LogRow
    rest_gib: float
    terms: tuple[Term, ...]


def observations() -> list[Observation]:
    """The start-ups that say enough."""
    return [observed(row) for row in ROWS if row.is_calibrated]


def observed(row: LogRow) -> Observation:
    """One start-up's equation."""
    gpu = row.gpu
    assert gpu is not None
    requested = math.ceil(gpu.total_bytes * row.utilization) / GIB
    overhead = requested - row.get("weights_gib") - row.get("available_kv_gib")
    peak = peak_bytes(row.description, row.serving) / GIB
    terms = overhead_terms(
        row.description, row.serving, gpu, text_only=row.get("language_model_only", False)
    )
    return Observation(row, overhead - peak, terms)


def fit(observed: Iterable[Observation]) -> dict[str, float]:
    """The constants in GiB that leave the least absolute error, none below 0."""
    rows = [row for row in observed if not row.row.get("fit_left_out")]
    constants = {term.name: 0.0 for row in rows for term in row.terms}
    for _ in range(ROUNDS):
        for name in constants:
            left = [
                (row.rest_gib - predicted(row.terms, {**constants, name: 0.0})) / term.scale
                for row in rows
                for term in row.terms
                if term.name == name
            ]
            constants[name] = max(0.0, statistics.median(left))
    return constants


def predicted(terms: Iterable[Term], constants: Mapping[str, float]) -> float:
    """GiB of the terms; one that was never fitted counts for nothing."""
    return sum(constants.get(term.name, 0.0) * term.scale for term in terms)


def token_error(row: Observation, constants: Mapping[str, float]) -> float | None:
    """Relative error of the tokens predicted from settings alone; None where they cannot be."""
    log, entry, gpu = row.row, row.row.weights, row.row.gpu
    if not log.get("kv_cache_tokens") or entry is None or entry.weights is None or gpu is None:
        return None
    if not log.is_modelled:
        return None
    weights = rank_weights(entry.weights, entry.description, log.serving)
    taken = weights.total_bytes + weights.buffer_bytes + peak_bytes(log.description, log.serving)
    terms = predicted(row.terms, constants) * GIB
    available = math.ceil(gpu.total_bytes * log.utilization) - taken - int(terms)
    if available <= 0:
        return -1.0
    plan = plan_kv_cache(log.description, log.serving, available)
    return plan.tokens / int(log.get("kv_cache_tokens")) - 1


def left_out_in_turn(
    rows: list[Observation], key: Callable[[Observation], str]
) -> dict[int, float]:
    """The error of every row under constants fitted without the rows of its key."""
    errors = {}
    for group in {key(row) for row in rows}:
        constants = fit(row for row in rows if key(row) != group)
        for row in rows:
            if key(row) == group and (error := token_error(row, constants)) is not None:
                errors[row.row.number] = error
    return errors


def family(row: Observation) -> str:
    """Rows of one family share their shape."""
    return row.row.description.architecture


def release(row: Observation) -> str:
    """The minor release."""
    return row.row.serving.rules.name


def summary(name: str, errors: Iterable[float]) -> str:
    """Median and 90th percentile of the absolute errors."""
    sizes = sorted(abs(error) for error in errors)
    ninety = sizes[math.ceil(0.9 * len(sizes)) - 1]
    middle = statistics.median(sizes)
    return f"{name:34s} {len(sizes):3d} rows  median {middle:6.2%}  p90 {ninety:6.2%}"


def main() -> None:
    """Print constants, residuals and errors."""
    rows = observations()
    constants = fit(rows)
    for name in sorted(constants):
        count = sum(term.name == name for row in rows for term in row.terms)
        print(f"{name:44s} {constants[name]:6.2f} GiB  {count:3d} rows")
    print()
    errors = {row.row.number: token_error(row, constants) for row in rows}
    for row in rows:
        left = row.rest_gib - predicted(row.terms, constants)
        error = errors[row.row.number]
        shown = "      -" if error is None else f"{error:+7.2%}"
        print(f"{row.row!r:70s} left {left:+5.2f} GiB  tokens {shown}")
    print()
    print(summary("all rows", [error for error in errors.values() if error is not None]))
    print(summary("families left out in turn", left_out_in_turn(rows, family).values()))
    print(summary("releases left out in turn", left_out_in_turn(rows, release).values()))


if __name__ == "__main__":
    main()
