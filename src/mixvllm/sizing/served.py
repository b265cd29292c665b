"""What `serve` is certain to fail for, before vllm is imported, and what it may fail for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from mixvllm.errors import ModelError, Problem
from mixvllm.settings.merge import ResolvedValue
from mixvllm.settings.schema import ServeConfig
from mixvllm.sizing.check import check, check_without_model
from mixvllm.sizing.finding import Case, Finding, MachineMemory, gpus_wanted
from mixvllm.sizing.free_rules import Hardware, free_findings
from mixvllm.sizing.here import planned_here
from mixvllm.sizing.placing import placed
from mixvllm.sizing.present import PresentGpus, present_gpus
from mixvllm.sizing.serving import served_model, served_request
from mixvllm.sizing.shape_rules import LONGER_VARIABLE
from mixvllm.vllm_internals.installed import InstalledEngine


@dataclass(frozen=True)
class Server:
    """What a server would run with and on.

    Attributes:
        settings: The settings; they name a model.
        values: The same, with the place of each.
        engine: The installed vLLM.
        memory: The memory of this machine, which a CPU build serves from.
        environment: The variables.
        servers: The processes of the servers of mixvllm that run here.
    """

    settings: ServeConfig
    values: Sequence[ResolvedValue]
    engine: InstalledEngine
    memory: MachineMemory
    environment: Mapping[str, str]
    servers: Callable[[], Collection[int]] = tuple


@dataclass(frozen=True)
class Judgement:
    """What a check says of a server: problems at their places, and notes."""

    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()


def judge(server: Server) -> Judgement:
    """Check a server; a model that is not known here is a note."""
    present = None if server.engine.build == "cpu" else present_gpus(server.environment)
    try:
        case = _case(server, present)
    except ModelError as error:
        note = " ".join(
            filter(None, (f"not checked against its model: {error.message}", error.hint))
        )
        result = check_without_model(
            server.settings, server.environment, note, _in_use(server, present)
        )
    else:
        result = check(case)
    problems = tuple(placed(finding, server.values) for finding in result.findings)
    return Judgement(problems, result.notes)


def _in_use(server: Server, present: PresentGpus | None) -> Iterator[Finding]:
    """What can be said of the GPUs without knowing the model."""
    devices = tuple(each.device for each in present.gpus) if present else ()
    return free_findings(Hardware(server.settings.inference, devices, server.servers))


def _case(server: Server, present: PresentGpus | None) -> Case:
    settings = server.settings
    case = Case(
        settings,
        served_model(settings),
        may_exceed_context=server.environment.get(LONGER_VARIABLE) == "1",
        environment=server.environment,
    )
    request = partial(served_request, settings, server.engine, case.found.description)
    if present is None:
        return replace(case, request=request, memory=server.memory)
    return replace(
        case,
        request=lambda: planned_here(request(), present),
        gpu=present.to_plan_for(gpus_wanted(settings.inference)),
        gpu_count=len(present.gpus) or None,
        devices=tuple(each.device for each in present.gpus),
        servers=server.servers,
    )
