"""What vLLM's CPU platform sets, forecast; `tests/server/test_engine.py` sees that it holds."""

import os

import pytest

from mixvllm.vllm_internals.cpu_environment import expected_binding, expected_environment


def test_threads_are_bound_to_one_cpu_of_each_core_and_one_core_stays_free() -> None:
    binding = expected_binding({})
    cpus = [int(cpu) for cpu in binding["GOMP_CPU_AFFINITY"].split()]

    assert binding["OMP_NUM_THREADS"] == str(len(cpus))
    assert set(cpus) <= os.sched_getaffinity(0)
    assert len(cpus) == 1 or len(cpus) < len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("asked", "cpus"), [("0-2,5", "0 1 2 5"), ("3", "3"), ("1-2,1", "1 2"), ("4,0", "0 4")]
)
def test_a_list_of_cores_is_taken_as_it_is(asked: str, cpus: str) -> None:
    binding = expected_binding({"VLLM_CPU_OMP_THREADS_BIND": asked})

    assert binding == {"OMP_NUM_THREADS": str(len(cpus.split())), "GOMP_CPU_AFFINITY": cpus}


@pytest.mark.parametrize("asked", ["nobind", "0|1", "0-1|2-3"])
def test_without_binding_or_with_several_workers_nothing_is_set(asked: str) -> None:
    assert expected_binding({"VLLM_CPU_OMP_THREADS_BIND": asked}) == {}


def test_an_openmp_library_that_is_preloaded_stays_the_only_one() -> None:
    environ = {"LD_PRELOAD": "/opt/libiomp5.so:/opt/libtcmalloc.so"}

    assert expected_environment(environ)["LD_PRELOAD"] == environ["LD_PRELOAD"]
