from pathlib import Path

import pytest

from mixvllm.vllm_internals.environment import (
    DEFAULTS,
    cpu_shares,
    prepare_environment,
    put_sockets_into,
)


def test_variables_are_set_where_they_are_unset() -> None:
    environ = {"VLLM_WORKER_MULTIPROC_METHOD": "fork"}

    prepare_environment(environ, key_is_ours=False, max_n=16)

    ours = {**DEFAULTS, "VLLM_MAX_N_SEQUENCES": "16"}
    assert environ == {**ours, "VLLM_WORKER_MULTIPROC_METHOD": "fork"}


@pytest.mark.parametrize(
    ("ranks", "cpus", "shares"),
    [
        (2, {0, 1}, "0|1"),
        (2, {8, 2, 3, 9, 5}, "2,3|5,8"),
        (3, {0, 1}, "nobind"),
    ],
)
def test_processes_get_the_same_number_of_cpus_each(
    ranks: int, cpus: set[int], shares: str
) -> None:
    assert cpu_shares(ranks, cpus) == shares


def test_cpus_are_shared_out_where_there_are_more_processes_than_memory_nodes() -> None:
    many: dict[str, str] = {}
    chosen = {"VLLM_CPU_OMP_THREADS_BIND": "0-3|4-7"}

    prepare_environment(many, key_is_ours=False, max_n=16, cpu_ranks=4096)
    prepare_environment(chosen, key_is_ours=False, max_n=16, cpu_ranks=4096)

    assert many["VLLM_CPU_OMP_THREADS_BIND"]
    assert chosen["VLLM_CPU_OMP_THREADS_BIND"] == "0-3|4-7"


def test_a_key_of_vllm_gives_way_to_ours_alone() -> None:
    ours, theirs = {"VLLM_API_KEY": "x"}, {"VLLM_API_KEY": "x"}

    prepare_environment(ours, key_is_ours=True, max_n=16)
    prepare_environment(theirs, key_is_ours=False, max_n=16)

    assert "VLLM_API_KEY" not in ours
    assert theirs["VLLM_API_KEY"] == "x"


def test_sockets_lie_where_the_server_puts_them_unless_the_user_has_chosen() -> None:
    ours: dict[str, str] = {}
    chosen = {"VLLM_RPC_BASE_PATH": "/run/vllm"}

    put_sockets_into(ours, Path("/tmp/mixvllm-1"))
    put_sockets_into(chosen, Path("/tmp/mixvllm-1"))

    assert ours == {"VLLM_RPC_BASE_PATH": "/tmp/mixvllm-1"}
    assert chosen == {"VLLM_RPC_BASE_PATH": "/run/vllm"}
