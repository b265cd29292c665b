"""Which plugins vLLM would load, by the metadata of what is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from mixvllm.vllm_internals import plugins
from mixvllm.vllm_internals.plugins import state_of, unknown_plugins
from tests.gpus.packages import look_only_at
from tests.vllm_internals.plugin_packages import ACME, BITSANDBYTES, GGUF, RESOLVER, add_plugin


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that is the only one with installed packages."""
    look_only_at(tmp_path, monkeypatch)
    return tmp_path


def test_a_plugin_that_is_not_installed_is_not_loaded(site: Path) -> None:
    assert state_of(plugins.GGUF, {}) == "not installed"
    assert unknown_plugins({}) == ()


def test_an_installed_plugin_is_loaded_unless_the_variable_lists_others(site: Path) -> None:
    add_plugin(site, *GGUF)

    assert state_of(plugins.GGUF, {}) == "loaded"
    assert state_of(plugins.GGUF, {"VLLM_PLUGINS": "acme,gguf"}) == "loaded"
    assert state_of(plugins.GGUF, {"VLLM_PLUGINS": "acme"}) == "not listed"
    assert state_of(plugins.BITSANDBYTES, {}) == "not installed"


@pytest.mark.parametrize("listed", ["", "acme, gguf", "GGUF"])
def test_the_list_is_read_as_vllm_reads_it(site: Path, listed: str) -> None:
    add_plugin(site, *GGUF)

    assert state_of(plugins.GGUF, {"VLLM_PLUGINS": listed}) == "not listed"


def test_what_others_bring_is_not_known_and_vllms_own_bring_no_method(site: Path) -> None:
    for plugin in (RESOLVER, ACME, BITSANDBYTES):
        add_plugin(site, *plugin)

    assert unknown_plugins({}) == ("acme",)
    assert unknown_plugins({"VLLM_PLUGINS": "bitsandbytes"}) == ()


@pytest.mark.engine
def test_the_names_are_those_that_vllm_looks_for() -> None:
    from vllm import envs
    from vllm.model_executor.layers.quantization import QUANTIZATION_METHODS
    from vllm.plugins import DEFAULT_PLUGINS_GROUP

    assert plugins.GROUP == DEFAULT_PLUGINS_GROUP
    assert plugins.VARIABLE in envs.environment_variables
    assert not plugins.PLUGINS.keys() & set(QUANTIZATION_METHODS)
