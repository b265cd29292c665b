"""GPUs whose memory is in use: a stand-in for the driver's library plays them."""

import json
import os
import re
import subprocess
import sys
from typing import Any

from tests.gpus.engines import server
from tests.gpus.stand_in import MIB, TWO_H100, StandIn, h100, machine

JUDGE = """
import dataclasses, json, os, sys
from mixvllm.settings.flags import GivenFlag
from mixvllm.settings.resolve import Sources, resolve
from mixvllm.sizing.finding import MachineMemory
from mixvllm.sizing.served import Server, judge
from mixvllm.vllm_internals.installed import InstalledEngine
flags = [GivenFlag(*flag) for flag in json.loads(sys.argv[1])]
resolved = resolve(Sources(flags=flags))
engine, memory = InstalledEngine("0.32.0", "gpu"), MachineMemory(1 << 36, 1 << 36)
said = judge(Server(resolved.settings, resolved.values, engine, memory, os.environ))
print(json.dumps([dataclasses.asdict(problem) for problem in said.problems]))
"""
MODEL = ("--model", "Qwen/Qwen3-8B")


def judged(
    stand_in: StandIn,
    played: dict[str, Any],
    *flags: tuple[str, Any],
    **environment: str,
) -> list[dict[str, Any]]:
    answer = subprocess.run(
        [
            sys.executable,
            "-c",
            JUDGE,
            json.dumps([*(dict([MODEL]) | dict(flags)).items()]),
        ],
        env=stand_in.plays(played) | environment,
        cwd=stand_in.directory,
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stderr
    problems: list[dict[str, Any]] = json.loads(answer.stdout)
    return problems


def used(mib: int, **more: Any) -> dict[str, Any]:
    return h100(0, memory={"total": 81559 * MIB, "reserved": 551 * MIB, "used": mib * MIB}, **more)


def test_a_gpu_at_rest_needs_no_word(stand_in: StandIn) -> None:
    assert judged(stand_in, machine(h100(0))) == []


def test_a_gpu_in_use_is_refused_with_numbers_and_ways_out(stand_in: StandIn) -> None:
    (problem,) = judged(stand_in, machine(used(40_000), h100(1)))

    assert problem["severity"] == "error"
    asked = "vLLM asks for 71.20 GiB (0.9 of 79.11 GiB) of GPU 0, NVIDIA H100 80GB HBM3"
    assert problem["message"] == f"{asked}, and 40.05 GiB are free now"
    assert "CUDA_VISIBLE_DEVICES=1" in problem["suggestion"]
    assert "--gpu-memory-utilization 0.49 (" in problem["suggestion"]


def test_the_share_that_is_offered_passes(stand_in: StandIn) -> None:
    assert judged(stand_in, machine(used(40_000)), ("--gpu-memory", 0.49)) == []


def test_where_little_is_free_a_shorter_context_is_offered_with_it(stand_in: StandIn) -> None:
    (problem,) = judged(stand_in, machine(used(60_500)))
    offered = re.search(r"--gpu-memory-utilization ([\d.]+) --max-model-len (\d+)", str(problem))

    assert offered is not None
    smaller = ("--gpu-memory", float(offered[1])), ("--max-model-len", int(offered[2]))
    assert [p["severity"] for p in judged(stand_in, machine(used(60_500)), *smaller)] in (
        [],
        ["warning"],
    )


def test_only_the_gpus_that_are_taken_count(stand_in: StandIn) -> None:
    assert judged(stand_in, TWO_H100, CUDA_VISIBLE_DEVICES="1") == []
    assert len(judged(stand_in, TWO_H100, ("--gpus", 2))) == 1


def test_who_holds_the_memory_is_named(stand_in: StandIn) -> None:
    holder = {"pid": os.getpid(), "memory": 39_000 * MIB}
    (problem,) = judged(stand_in, machine(used(40_000, processes=[holder])))

    assert f"process {os.getpid()} (" in problem["message"]
    assert "38.09 GiB) holds memory there" in problem["message"]
    assert f"there is enough when process {os.getpid()} has ended" in problem["suggestion"]


def test_so_little_that_the_context_may_not_find_room_is_a_doubt(
    stand_in: StandIn,
) -> None:
    (problem,) = judged(stand_in, machine(h100(0)), ("--gpu-memory", 0.995))

    assert problem["severity"] == "warning"
    assert "its own CUDA context" in problem["message"]


def test_with_ray_it_is_a_doubt(stand_in: StandIn) -> None:
    flags = ("--distributed-executor-backend", "ray")

    assert [each["severity"] for each in judged(stand_in, machine(used(40_000)), flags)] == [
        "warning"
    ]


def test_it_is_told_of_a_model_that_nobody_here_knows_too(stand_in: StandIn) -> None:
    (problem,) = judged(stand_in, machine(used(40_000)), ("--model", "nobody/nothing"))

    assert problem["severity"] == "error"
    assert problem["suggestion"] is None


def test_nothing_is_offered_that_would_not_fit(stand_in: StandIn) -> None:
    (problem,) = judged(stand_in, machine(used(80_000)))

    assert problem["suggestion"] is None


def test_what_a_dead_server_left_is_named_where_there_is_room_beside_it(stand_in: StandIn) -> None:
    with server() as left:
        left.die()
        processes = [{"pid": left.engine, "memory": 500 * MIB}]
        (problem,) = judged(stand_in, machine(used(500, processes=processes)))

    assert problem["severity"] == "warning"
    assert problem["message"] == (
        f"a dead server left process {left.engine} (VLLM::EngineCore, 0.49 GiB) on GPU 0"
    )
    assert problem["suggestion"] == f"`kill {left.engine}` ends it"


def test_a_living_server_with_room_beside_it_needs_no_word(stand_in: StandIn) -> None:
    with server() as running:
        processes = [{"pid": running.engine, "memory": 500 * MIB}]

        assert judged(stand_in, machine(used(500, processes=processes))) == []
