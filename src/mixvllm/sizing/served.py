"""What `serve` is certain to fail for, before vllm is imported, and what it may fail for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mixvllm.errors import EstimateError, ModelError, Problem
from mixvllm.memory.gpu_table import Gpu
from mixvllm.settings.merge import ResolvedValue
from mixvllm.settings.schema import ServeConfig
from mixvllm.sizing.check import check
from mixvllm.sizing.finding import Case, MachineMemory
from mixvllm.sizing.placing import placed
from mixvllm.sizing.present import present_gpus
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
    """

    settings: ServeConfig
    values: Sequence[ResolvedValue]
    engine: InstalledEngine
    memory: MachineMemory
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Judgement:
    """What a check says of a server: problems at their places, and notes."""

    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()


def judge(server: Server) -> Judgement:
    """Check a server; a model that is not known here is a note."""
    try:
        result = check(_case(server))
    except (ModelError, EstimateError) as error:
        return Judgement((), (f"not checked against its model: {error.message}",))
    problems = tuple(placed(finding, server.values) for finding in result.findings)
    return Judgement(problems, result.notes)


def _case(server: Server) -> Case:
    settings = server.settings
    found = served_model(settings)
    gpu, count = _gpus(server)
    return Case(
        settings,
        found,
        request=served_request(settings, server.engine, found.description, gpu=gpu),
        gpu=gpu,
        gpu_count=count,
        memory=server.memory if server.engine.build == "cpu" else None,
        may_exceed_context=server.environment.get(LONGER_VARIABLE) == "1",
    )


def _gpus(server: Server) -> tuple[Gpu | None, int | None]:
    """The GPU to plan for and how many there are; a CPU build uses none."""
    if server.engine.build == "cpu":
        return None, None
    present, asked = present_gpus(server.environment), server.settings.inference
    gpu = present.to_plan_for(asked.tensor_parallel_size * asked.pipeline_parallel_size)
    return gpu, len(present.gpus) or None
