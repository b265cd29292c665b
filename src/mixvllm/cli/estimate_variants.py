"""`mixvllm estimate-kv` for several models, GPUs or releases at once."""

from __future__ import annotations

from collections.abc import Iterable

from mixvllm.cli.estimate_asked import Asked
from mixvllm.cli.exit_status import ExitStatus
from mixvllm.errors import UsageError
from mixvllm.render.comparison import comparison_view
from mixvllm.render.comparison_json import comparison_as_json
from mixvllm.sizing.variant import Variant
from mixvllm.sizing.variants import estimate_variants


def compare(asked: Asked) -> ExitStatus:
    """Print the comparison, and say by the exit code whether any of them would do.

    Raises:
        UsageError: something is asked for that is shown of one alone.
    """
    if asked.explained or asked.charted:
        option = "--explain" if asked.explained else "--chart"
        raise UsageError(f"{option} is for one model, GPU and release.")
    axes = asked.axes
    made = estimate_variants(asked.settings, asked.choices(axes), axes)
    output = asked.invocation.output
    document = comparison_as_json(made.variants, made.upgrades)
    output.answer(comparison_view(made.variants, made.upgrades), document)
    return exit_status(made.variants)


def exit_status(variants: Iterable[Variant]) -> ExitStatus:
    """Done if any variant fits or its memory is not known, no if none fits, failed if none is."""
    answers = [variant.estimate for variant in variants if variant.estimate is not None]
    if not answers:
        return ExitStatus.FAILED
    if any(answer.fits is not False for answer in answers):
        return ExitStatus.DONE
    return ExitStatus.NO
