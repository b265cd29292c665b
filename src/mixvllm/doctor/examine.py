"""The whole examination: under two seconds, and neither torch nor vllm is imported here."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from mixvllm.doctor.check import Check, Report
from mixvllm.doctor.hardware import (
    gpu_checks,
    leftover_check,
    open_files_check,
    shared_memory_check,
)
from mixvllm.doctor.setup import setup_checks
from mixvllm.doctor.storage import storage_checks
from mixvllm.doctor.versions import version_checks
from mixvllm.gpus.inventory import Machine
from mixvllm.gpus.processes import orphans
from mixvllm.server.registry import running_servers

# A driver that takes longer has a line of its own; PyTorch would take longer than all the rest.
NVML_DEADLINE_S = 1.2


def examine(environment: Mapping[str, str] | None = None, directory: Path = Path()) -> Report:
    """Look at this machine.

    Args:
        environment: The variables in force; this process's own by default.
        directory: Where `mixvllm.yaml` is looked for.
    """
    return Report(tuple(_checks(os.environ if environment is None else environment, directory)))


def _checks(environment: Mapping[str, str], directory: Path) -> Iterator[Check]:
    with Machine(environment, nvml_deadline_s=NVML_DEADLINE_S, asks_torch=False) as machine:
        inventory = machine.inventory()
    servers = running_servers()
    yield from version_checks(inventory)
    yield from gpu_checks(inventory)
    yield leftover_check(orphans({server.pid for server in servers}))
    yield shared_memory_check()
    yield open_files_check()
    yield from storage_checks(environment)
    yield from setup_checks(environment, servers, directory)
