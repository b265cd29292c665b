from pathlib import Path

from mixvllm.vllm_internals.environment import DEFAULTS, prepare_environment, put_sockets_into


def test_variables_are_set_where_they_are_unset() -> None:
    environ = {"VLLM_WORKER_MULTIPROC_METHOD": "fork"}

    prepare_environment(environ, key_is_ours=False, max_n=16)

    set_here = {**DEFAULTS, "VLLM_MAX_N_SEQUENCES": "16"}
    assert environ == {**set_here, "VLLM_WORKER_MULTIPROC_METHOD": "fork"}


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
