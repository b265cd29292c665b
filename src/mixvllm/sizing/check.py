"""Do settings, model and hardware go together? The one check that every command asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mixvllm.errors import EstimateError
from mixvllm.sizing.finding import Case, Finding
from mixvllm.sizing.fit_rules import count_findings, fit_findings
from mixvllm.sizing.format_rules import format_findings, served_dtype
from mixvllm.sizing.plugin_rules import plugin_findings
from mixvllm.sizing.shape_rules import heads_replicated, shape_findings

if TYPE_CHECKING:
    from mixvllm.memory.answer import Estimate
    from mixvllm.memory.request import EstimateRequest
    from mixvllm.models.found import FoundModel
    from mixvllm.settings.schema import ServeConfig


@dataclass(frozen=True)
class Checked:
    """What a check found.

    Attributes:
        findings: Contradictions (errors) and doubts (warnings).
        notes: What is worth knowing, and what could not be judged.
        estimate: The estimate behind it; None where there is none.
    """

    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    estimate: Estimate | None = None


def check(case: Case) -> Checked:
    """Check settings against their model, and against the hardware that the case knows."""
    findings = [
        *shape_findings(case),
        *format_findings(case),
        *count_findings(case),
        *check_arguments(case.settings, case.found),
    ]
    if case.environment is not None:
        findings += plugin_findings(case.settings, case.found, case.environment)
    notes = [finding.message for finding in findings if finding.severity == "note"]
    if (note := heads_replicated(case)) is not None:
        notes.append(note)
    answer = None
    if case.request is not None:
        try:
            answer = _estimate(case, case.request())
        except EstimateError as error:
            # What a rule has named already needs no second voice.
            if not any(finding.severity == "error" for finding in findings):
                notes.append(f"whether it fits is not judged: {error.message}")
        else:
            findings += fit_findings(case, answer)
    findings += _in_the_way(case)
    return Checked(_without_notes(findings), tuple(notes), answer)


def check_without_model(
    settings: ServeConfig,
    environment: Mapping[str, str],
    note: str,
    others: Iterable[Finding] = (),
) -> Checked:
    """Check what can be checked of settings whose model is not known here.

    Args:
        settings: The settings.
        environment: The variables that vLLM would see.
        note: Why the model is not known.
        others: What else was found.
    """
    findings = [
        *check_arguments(settings),
        *plugin_findings(settings, None, environment),
        *others,
    ]
    notes = [finding.message for finding in findings if finding.severity == "note"]
    return Checked(_without_notes(findings), (*notes, note))


def _without_notes(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.severity != "note")


def check_arguments(settings: ServeConfig, found: FoundModel | None = None) -> list[Finding]:
    """Check what of vLLM's own arguments can be checked without knowing the model's shape."""
    if not settings.vllm:
        return []
    # Most files pass nothing on to vLLM, and what reads it takes time to load.
    from mixvllm.sizing.adapter_rules import adapter_findings
    from mixvllm.sizing.argument_rules import argument_findings

    return [*argument_findings(settings, found), *adapter_findings(settings)]


def _in_the_way(case: Case) -> list[Finding]:
    """What uses the GPUs that are to be used; nothing is loaded where none is looked at."""
    if not case.devices:
        return []
    from mixvllm.sizing.free_rules import free_findings
    from mixvllm.sizing.orphan_rules import orphan_findings

    used = [*free_findings(case, lambda share, length: _retried(case, share, length))]
    return used or [*orphan_findings(case)]


def _retried(case: Case, share: float, length: int | None) -> Estimate | None:
    """The estimate with another share of each GPU; None where there is none."""
    if case.request is None:
        return None
    try:
        request = replace(case.request(), gpu_memory_utilization=share)
        if length is not None:
            request = replace(request, max_model_len=length)
        return _estimate(case, request)
    except EstimateError:
        return None


def _estimate(case: Case, request: EstimateRequest) -> Estimate:
    from mixvllm.memory.estimate import estimate

    found = case.found
    # A length beyond the model's own has been told; it can fit all the same.
    request = replace(request, may_exceed_context=True, dtype=served_dtype(case))
    return estimate(found.description, found.weights, found.source, request)
