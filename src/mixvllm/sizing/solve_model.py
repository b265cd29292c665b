"""What of the catalogue runs well on a GPU."""

from __future__ import annotations

from mixvllm.memory.request import EstimateRequest
from mixvllm.memory.solution import Option, Solution
from mixvllm.memory.solve import solved
from mixvllm.memory.trial import Checkpoint, tried
from mixvllm.models.sources import catalogue, catalogue_file


def best_models(request: EstimateRequest) -> Solution:
    """Every model of the catalogue, judged: what fits first, the largest first of these.

    Of models of one size the one that holds more requests comes first.
    """
    options = []
    for name in catalogue_file.names():
        entry = catalogue.look_up(name)
        if entry is not None:
            checkpoint = Checkpoint(entry.description, entry.weights)
            options.append(tried(checkpoint, request, name, given=request))
    return solved("model", request, sorted(options, key=_rank), "no model of the catalogue does")


def _rank(option: Option) -> tuple[bool, bool, int, int]:
    is_refused = option.refusal is not None
    return (not option.fits, is_refused, -(option.parameters or 0), -(option.at_once or 0))
