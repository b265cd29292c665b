"""GPUs that others use: real processes, on machines that the stand-in for NVML plays."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.gpus.conftest import nvml_library as nvml_library
from tests.gpus.conftest import stand_in as stand_in
from tests.gpus.engines import server
from tests.gpus.stand_in import MIB, StandIn, h100, machine

ROOT = Path(__file__).parents[2]
# vLLM for GPUs is not installed where these tests run; its metadata is all that is asked for.
JUDGE = """
import json, os, sys
from mixvllm.settings.layers.command_line import GivenFlag
from mixvllm.settings.resolve import Sources, resolve
from mixvllm.sizing.finding import MachineMemory
from mixvllm.sizing.served import Server, judge
from mixvllm.vllm_internals.installed import InstalledEngine
flags = [GivenFlag("--model", "Qwen/Qwen3-0.6B"), GivenFlag("--gpus", int(sys.argv[1]))]
resolved = resolve(Sources(flags=flags))
engine, memory = InstalledEngine("0.32.0", "gpu"), MachineMemory(1 << 40, 1 << 40)
said = judge(Server(resolved.settings, resolved.values, engine, memory, os.environ))
print(json.dumps([[p.severity, p.message, p.suggestion] for p in said.problems]))
"""


def judged(stand_in: StandIn, *gpus: dict[str, Any], count: int = 1) -> list[list[str]]:
    """Severity, message and suggestion of every problem."""
    environment = {**stand_in.plays(machine(*gpus)), "PYTHONPATH": str(ROOT / "src")}
    ran = subprocess.run(
        [sys.executable, "-c", JUDGE, str(count)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[list[str]] = json.loads(ran.stdout)
    return found


def used_by(pid: int, mib: int, index: int = 0) -> dict[str, Any]:
    """An H100 on which one process holds memory."""
    memory = {"total": 81559 * MIB, "reserved": 551 * MIB, "used": mib * MIB}
    return h100(index, memory=memory, processes=[{"pid": pid, "memory": mib * MIB}])


def test_an_empty_gpu_is_served_from_without_a_word(stand_in: StandIn) -> None:
    assert judged(stand_in, h100()) == []


def test_what_a_dead_server_left_is_an_error_where_it_is_in_the_way(stand_in: StandIn) -> None:
    with server() as left:
        left.die()
        [[severity, message, suggestion]] = judged(stand_in, used_by(left.engine, 60_000))

    assert severity == "error"
    assert message == (
        "GPU 0 has 20.52 GiB free, and vLLM asks for 71.20 GiB (0.9 of 79.11 GiB); a dead server "
        f"left process {left.engine} (VLLM::EngineCore) with 58.59 GiB"
    )
    assert suggestion == f"end it: `kill -9 {left.engine}`"


def test_what_a_dead_server_left_is_named_where_there_is_room_beside_it(stand_in: StandIn) -> None:
    with server() as left:
        left.die()
        [[severity, message, _]] = judged(stand_in, used_by(left.engine, 500))

    assert severity == "warning"
    assert f"process {left.engine} (VLLM::EngineCore) with 0.49 GiB" in message


def test_a_gpu_that_another_program_uses_is_a_doubt_with_the_share_that_is_free(
    stand_in: StandIn,
) -> None:
    with server() as other:
        [[severity, message, suggestion]] = judged(stand_in, used_by(other.engine, 60_000))

    assert severity == "warning"
    assert f"in use by process {other.engine} (VLLM::EngineCore) with 58.59 GiB" in message
    assert suggestion == "--gpu-memory-utilization 0.25 would do"


@pytest.mark.parametrize(("count", "problems"), [(1, 0), (2, 1)])
def test_only_the_gpus_that_vllm_will_take_are_looked_at(
    stand_in: StandIn, count: int, problems: int
) -> None:
    with server() as left:
        left.die()
        gpus = h100(0), used_by(left.engine, 60_000, index=1)

        assert len(judged(stand_in, *gpus, count=count)) == problems
