"""Config files against the models that they name: what `config validate` adds to the schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from mixvllm.errors import ModelError, Problem
from mixvllm.models.find import find_model
from mixvllm.settings.check import FileReport, in_reading_order
from mixvllm.settings.layers.yaml_file import ConfigFile
from mixvllm.settings.merge import Merged, merge
from mixvllm.settings.schema import ServeConfig
from mixvllm.settings.validate import errors_of, validate
from mixvllm.sizing.check import check, check_without_model
from mixvllm.sizing.finding import Case, gpus_wanted
from mixvllm.sizing.placing import placed
from mixvllm.sizing.shape_rules import LONGER_VARIABLE

if TYPE_CHECKING:
    from mixvllm.memory.gpu_table import Gpu
    from mixvllm.memory.request import EstimateRequest
    from mixvllm.sizing.present import PresentGpus


@dataclass(frozen=True)
class Given:
    """What files are held against.

    Attributes:
        gpu: The GPU that was named; None takes those present, and without them judges no memory.
        present: The GPUs of this machine; None where nobody looked.
        online: Whether the hub may be asked for models.
        environment: The variables.
    """

    gpu: Gpu | None
    present: PresentGpus | None
    online: bool
    environment: Mapping[str, str]

    def gpu_for(self, settings: ServeConfig) -> Gpu | None:
        """What these settings would run on."""
        if self.gpu is not None or self.present is None:
            return self.gpu
        return self.present.to_plan_for(gpus_wanted(settings.inference))

    @property
    def gpu_count(self) -> int | None:
        """How many GPUs are here; None where another one was named, or there are none."""
        if self.gpu is not None or self.present is None:
            return None
        return len(self.present.gpus) or None


def judge_files(reports: Sequence[FileReport], against: Given) -> list[FileReport]:
    """The reports, with what the models and the hardware say to each file."""
    return [_judged(report, against) for report in reports]


def _judged(report: FileReport, against: Given) -> FileReport:
    if report.config is None:
        return report
    problems: dict[tuple[object, ...], Problem] = {}
    notes: dict[str, None] = dict.fromkeys(report.notes)
    is_right = not errors_of(report.problems)
    if not is_right and (against.gpu is not None or against.gpu_count):
        notes["whether it fits is judged when its errors are gone"] = None
    for profile in (None, *report.config.profiles):
        for found in _of_profile(report.config, profile, against, fit=is_right):
            if isinstance(found, Problem):
                # The same at the same place under another profile is no news.
                bare = found.message.removeprefix(f"under the profile {profile}: ")
                problems.setdefault((found.line, found.column, found.key, bare), found)
            else:
                notes[found] = None
    together = in_reading_order([*report.problems, *problems.values()])
    return replace(report, problems=together, notes=tuple(notes))


def _of_profile(
    config: ConfigFile, profile: str | None, against: Given, *, fit: bool
) -> Iterator[Problem | str]:
    """The problems and notes of a file under one of its profiles."""
    merged = merge([validate(config.with_profile(profile))])
    if merged.settings.model.name is None:
        return
    try:
        case = _case(merged, against, fit=fit)
    except ModelError as error:
        note = f"not judged against its model: {error.message}"
        result = check_without_model(merged.settings, against.environment, note)
    else:
        result = check(case)
    yield from (placed(finding, merged.values, profile) for finding in result.findings)
    yield from result.notes


def _case(merged: Merged, against: Given, *, fit: bool) -> Case:
    settings = merged.settings
    assert settings.model.name is not None
    found = find_model(
        settings.model.name, revision=settings.model.revision, may_ask_the_hub=against.online
    )
    judged = against.gpu is not None or against.gpu_count is not None
    return Case(
        settings,
        found,
        request=partial(_request, settings, against) if fit and judged else None,
        gpu=against.gpu_for(settings),
        gpu_count=against.gpu_count,
        may_exceed_context=against.environment.get(LONGER_VARIABLE) == "1",
        environment=against.environment,
    )


def _request(settings: ServeConfig, against: Given) -> EstimateRequest:
    from mixvllm.sizing.here import planned_here
    from mixvllm.sizing.request import Choices, estimate_request

    request = replace(estimate_request(settings, Choices()), gpu=against.gpu)
    return planned_here(request, against.present)
