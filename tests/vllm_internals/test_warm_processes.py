"""Processes that are copied where that is right, and spawned where it is not."""

import json
import os
import subprocess
import sys
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from mixvllm.vllm_internals.warm_processes import WarmContext, at_load, in_place_of_spawn

ROOT = Path(__file__).parents[2]


def run(*given: str) -> dict[str, Any]:
    """What the two processes of the program found."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    environment.pop("OMP_NUM_THREADS", None)
    done = subprocess.run(
        [sys.executable, "-m", "tests.vllm_internals.warm_program", *given],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_a_process_is_a_copy_with_the_environment_and_the_cores_of_who_started_it() -> None:
    answer = run("LATE=yes")

    for found in answer["found"]:
        assert found["copied"]
        assert found["late"] == "yes"
        assert found["threads"] is None
        assert found["cpus"] == sorted(os.sched_getaffinity(0))
    assert answer["codes"] == [3, 3]
    assert answer["beside"]


@pytest.mark.parametrize("changed", ["OMP_NUM_THREADS=2", "MKL_NUM_THREADS=1", "LD_PRELOAD="])
def test_what_libraries_read_when_they_are_loaded_makes_a_new_process(changed: str) -> None:
    answer = run(changed)

    assert [found["copied"] for found in answer["found"]] == [False, False]
    assert answer["codes"] == [3, 3]
    assert not answer["beside"]


def test_without_the_fork_server_there_is_a_new_one() -> None:
    assert run("kill")["codes"] == [3, 3]


def test_only_spawn_is_replaced() -> None:
    warm = WarmContext(at_load(os.environ))

    assert in_place_of_spawn(lambda: get_context("spawn"), warm)() is warm
    assert in_place_of_spawn(lambda: get_context("fork"), warm)() is get_context("fork")
