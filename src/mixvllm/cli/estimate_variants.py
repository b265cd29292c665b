"""`mixvllm estimate-kv` for several models, GPUs or releases at once."""

from __future__ import annotations

from collections.abc import Iterable

from mixvllm.cli.exit_status import ExitStatus
from mixvllm.cli.output import Output
from mixvllm.render.comparison import comparison_view
from mixvllm.render.comparison_json import comparison_as_json
from mixvllm.settings.schema import ServeConfig
from mixvllm.sizing.axes import Axes
from mixvllm.sizing.request import Choices
from mixvllm.sizing.variant import Variant
from mixvllm.sizing.variants import estimate_variants


def compare(output: Output, settings: ServeConfig, choices: Choices, axes: Axes) -> ExitStatus:
    """Print the comparison, and say by the exit code whether any of them would do."""
    variants, upgrades = estimate_variants(settings, choices, axes)
    output.answer(comparison_view(variants, upgrades), comparison_as_json(variants, upgrades))
    return exit_status(variants)


def exit_status(variants: Iterable[Variant]) -> ExitStatus:
    """Done if any variant fits or its memory is not known, no if none fits, failed if none is."""
    answers = [variant.estimate for variant in variants if variant.estimate is not None]
    if not answers:
        return ExitStatus.FAILED
    if any(answer.fits is not False for answer in answers):
        return ExitStatus.DONE
    return ExitStatus.NO
