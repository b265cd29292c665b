from mixvllm.vllm_internals.environment import DEFAULTS, prepare_environment


def test_variables_are_set_where_they_are_unset() -> None:
    environ = {"VLLM_WORKER_MULTIPROC_METHOD": "fork"}

    prepare_environment(environ, key_is_ours=False)

    assert environ == {**DEFAULTS, "VLLM_WORKER_MULTIPROC_METHOD": "fork"}


def test_a_key_of_vllm_gives_way_to_ours_alone() -> None:
    ours, theirs = {"VLLM_API_KEY": "x"}, {"VLLM_API_KEY": "x"}

    prepare_environment(ours, key_is_ours=True)
    prepare_environment(theirs, key_is_ours=False)

    assert "VLLM_API_KEY" not in ours
    assert theirs["VLLM_API_KEY"] == "x"
