from pathlib import Path

import pytest

from mixvllm.vllm_internals.environment import (
    DEFAULTS,
    cpu_shares,
    prepare_environment,
    temporary_sockets,
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


def test_the_directory_of_the_sockets_goes_with_them() -> None:
    environ: dict[str, str] = {}

    with temporary_sockets(environ):
        directory = Path(environ["VLLM_RPC_BASE_PATH"])
        (directory / "socket").touch()

    assert not directory.exists()


def test_a_directory_that_the_user_has_chosen_stays(tmp_path: Path) -> None:
    environ = {"VLLM_RPC_BASE_PATH": str(tmp_path)}

    with temporary_sockets(environ):
        assert environ == {"VLLM_RPC_BASE_PATH": str(tmp_path)}

    assert tmp_path.exists()
