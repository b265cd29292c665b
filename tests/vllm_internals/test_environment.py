from pathlib import Path

from mixvllm.vllm_internals.environment import DEFAULTS, prepare_environment, temporary_sockets


def test_variables_are_set_where_they_are_unset() -> None:
    environ = {"VLLM_WORKER_MULTIPROC_METHOD": "fork"}

    prepare_environment(environ, key_is_ours=False, max_n=16)

    assert environ == {**DEFAULTS, "VLLM_WORKER_MULTIPROC_METHOD": "fork"}


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
