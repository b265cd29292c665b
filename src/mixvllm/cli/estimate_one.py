"""`mixvllm estimate-kv` for one model, GPU and release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mixvllm.cli.estimate_asked import Asked
from mixvllm.cli.exit_status import ExitStatus
from mixvllm.memory.estimate import estimate
from mixvllm.render.memory import estimate_view
from mixvllm.render.memory_json import estimate_as_json
from mixvllm.sizing.here import planned_here
from mixvllm.sizing.request import estimate_request

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mixvllm.memory.answer import Estimate
    from mixvllm.memory.growth import Growth


def answer_one(asked: Asked) -> ExitStatus:
    """Estimate and print, and say by the exit code whether it fits.

    Raises:
        MixvllmError: the model is not known, or vLLM would refuse what is asked.
    """
    choices = asked.choices(asked.axes)
    request = planned_here(estimate_request(asked.settings, choices))
    found = asked.found()
    request = asked.of_model(request, found)
    answer = estimate(found.description, found.weights, found.source, request)
    if not asked.charted:
        return say_one(asked, answer)
    # Drawing is loaded where something is drawn.
    from mixvllm.memory.growth import growth
    from mixvllm.render.growth import GrowthChart

    grown = growth(found.description, found.weights, request)
    return say_one(asked, answer, grown, GrowthChart(grown))


def say_one(
    asked: Asked,
    answer: Estimate,
    growth: Growth | None = None,
    chart: RenderableType | None = None,
) -> ExitStatus:
    """Print one answer, with the growth of its cache where that is asked for."""
    output = asked.invocation.output
    view = estimate_view(answer, explained=asked.explained, chart=chart)
    output.answer(view, estimate_as_json(answer, growth))
    if output.as_json:
        for note in (*answer.changes_needed, *answer.notes):
            output.note(note)
    return ExitStatus.NO if answer.fits is False else ExitStatus.DONE
