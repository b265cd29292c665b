"""`mixvllm estimate-kv` on a machine with GPUs: a stand-in for the driver's library plays them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.gpus.stand_in import MIXED, TWO_H100, StandIn


def ran(
    stand_in: StandIn, machine: dict[str, Any], *flags: str
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mixvllm", "estimate-kv", "openai/gpt-oss-20b", *flags]
    environment = stand_in.plays(machine)
    return subprocess.run(
        command, env=environment, cwd=stand_in.directory, capture_output=True, text=True
    )


def test_without_a_name_the_gpus_of_the_machine_are_taken(stand_in: StandIn) -> None:
    answer = ran(stand_in, TWO_H100, "--json")

    document = json.loads(answer.stdout)
    assert (document["gpu"]["name"], document["gpu"]["count"]) == ("H100", 1)
    assert document["gpu"]["total_bytes"] == (81559 - 551) << 20
    assert document["fits"] is True
    assert "of the 2 GPUs of this machine" in answer.stderr


def test_too_few_gpus_are_told(stand_in: StandIn) -> None:
    assert "take 8 GPUs, and 2 are here" in ran(stand_in, TWO_H100, "--gpus", "8").stdout


def test_a_name_wins_over_what_is_there(stand_in: StandIn) -> None:
    document = json.loads(ran(stand_in, MIXED, "--gpu", "H200", "--json").stdout)

    assert document["gpu"]["name"] == "H200"


def test_releases_are_compared_for_the_gpu_that_is_there(stand_in: StandIn) -> None:
    answer = ran(stand_in, TWO_H100, "--vllm-version", "0.24,0.32", "--json")

    documents = json.loads(answer.stdout)["estimates"]
    assert [each["gpu"]["name"] for each in documents] == ["H100", "H100"]
