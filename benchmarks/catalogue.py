"""The whole catalogue in one process: every model estimated, and ranked by `--solve model`.

    nox -s bench -- benchmarks/catalogue.py

Each model gets the whole answer of `estimate-kv --gpu H100`, with bounds, levers and explanation.
Printed are medians over the rounds, in processor time, which
neighbours on the machine stretch less than the clock.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from mixvllm.errors import EstimateError
from mixvllm.memory.estimate import estimate
from mixvllm.memory.gpu_table import find_gpu
from mixvllm.memory.request import EstimateRequest
from mixvllm.models.sources import catalogue, catalogue_file
from mixvllm.sizing.solve_model import best_models

ROUNDS = 5
BAR_S = 2.0


def estimate_all(request: EstimateRequest) -> tuple[int, int]:
    """Estimate every model; how many were answered, and how many refused by name."""
    answered = refused = 0
    for name in catalogue_file.names():
        entry = catalogue.look_up(name)
        assert entry is not None
        try:
            estimate(entry.description, entry.weights, "catalogue", request)
            answered += 1
        except EstimateError:
            refused += 1
    return answered, refused


def seconds(work: Callable[[], object]) -> float:
    """The median processor time of the rounds."""
    taken = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        work()
        taken.append(time.process_time() - begun)
    return statistics.median(taken)


def main() -> None:
    """Measure and print."""
    request = EstimateRequest(gpu=find_gpu("H100"))
    begun = time.process_time()
    answered, refused = estimate_all(request)
    first = time.process_time() - begun
    print(f"median of {ROUNDS} rounds after a first one of {first:.2f} s")
    for name, took in (
        (f"{answered} models estimated, {refused} refused", seconds(lambda: estimate_all(request))),
        (f"{answered + refused} models ranked", seconds(lambda: best_models(request))),
    ):
        print(f"{name:40} {took:5.2f} s (bar {BAR_S:g} s)")


if __name__ == "__main__":
    main()
