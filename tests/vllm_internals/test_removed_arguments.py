"""What is said of arguments that vLLM has no more holds for every version that is served."""

import re

import pytest

from mixvllm.errors import SettingsError
from mixvllm.settings.layers.vllm_flags import find_argument
from mixvllm.settings.schema import ServeConfig
from mixvllm.vllm_internals.arguments import VERSIONS, arguments
from mixvllm.vllm_internals.removed_arguments import REMOVED


@pytest.mark.parametrize("version", VERSIONS)
def test_no_version_that_is_served_has_one_of_them(version: tuple[int, int]) -> None:
    assert set(REMOVED).isdisjoint(arguments(version))


@pytest.mark.parametrize("instead", sorted(set(REMOVED.values())))
def test_what_is_to_be_written_instead_is_a_flag(instead: str) -> None:
    for flag in re.findall(r"--[a-z-]+", instead):
        assert find_argument(flag), flag


def test_a_file_with_one_is_told_the_same() -> None:
    with pytest.raises(SettingsError) as raised:
        ServeConfig().merge_cli_args({"vllm": {"swap_space": 4}})

    [problem] = raised.value.problems
    assert "earlier versions of vLLM" in problem.message
