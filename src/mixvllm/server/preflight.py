"""What is certain to fail is found before vllm is imported, in a fraction of a second."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mixvllm.errors import PreflightError, Problem
from mixvllm.server.address import listen
from mixvllm.server.launch_checks import check_launch
from mixvllm.server.model_files import check_local_model
from mixvllm.server.registry import running_servers
from mixvllm.settings.schema import ServeConfig
from mixvllm.vllm_internals.installed import InstalledEngine, require_engine

if TYPE_CHECKING:
    from mixvllm.settings.merge import ResolvedValue


@dataclass(frozen=True)
class Preflight:
    """What the checks found.

    Attributes:
        sock: The bound socket.
        engine: The vLLM that is installed.
        doubts: What may fail.
        notes: What could not be checked, and what is worth knowing.
    """

    sock: socket.socket
    engine: InstalledEngine
    doubts: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def run_preflight(
    settings: ServeConfig, values: Sequence[ResolvedValue] | None = None
) -> Preflight:
    """Check what can be checked without loading anything; the settings name a model.

    Args:
        settings: The settings.
        values: The same with the place of each, for what is said of the model and the memory;
            None leaves these two unchecked.

    Raises:
        SettingsError: the settings ask for what `serve` cannot do, or for what cannot work.
        ModelError: the local model is missing.
        InstallationError: vLLM is missing or unsupported, or Ray is.
        AddressError: the address cannot be bound.
    """
    assert settings.model.name is not None
    engine = require_engine()
    check_launch(settings, os.environ, engine)
    check_local_model(settings.model.name, settings.vllm)
    doubts, notes = _judged(settings, values, engine) if values is not None else ((), ())
    return Preflight(listen(settings.server.host, settings.server.port), engine, doubts, notes)


def _judged(
    settings: ServeConfig, values: Sequence[ResolvedValue], engine: InstalledEngine
) -> tuple[tuple[Problem, ...], tuple[str, ...]]:
    """The doubts and notes about the model on this hardware.

    Raises:
        PreflightError: something is certain to fail.
    """
    # What estimates memory takes as long to import as to ask, and `--no-preflight` needs none.
    from mixvllm.server.machine_memory import machine_memory
    from mixvllm.sizing.served import Server, judge

    def servers() -> set[int]:
        return {running.pid for running in running_servers()}

    said = judge(Server(settings, values, engine, machine_memory(), os.environ, servers))
    if any(problem.severity == "error" for problem in said.problems):
        raise PreflightError(
            f"{settings.model.name} cannot be served with these settings.",
            hint="`--no-preflight` starts vLLM all the same.",
            problems=said.problems,
        )
    return said.problems, said.notes
