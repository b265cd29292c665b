import pytest

from mixvllm.errors import InstallationError
from mixvllm.vllm_internals.symbols import Symbol


def test_a_symbol_is_taken_from_the_first_module_that_has_it() -> None:
    import posixpath

    assert Symbol("join", ("no.such.module", "json", "posixpath")).load() is posixpath.join


def test_a_dot_leads_into_a_class() -> None:
    assert Symbol("Path.cwd", ("pathlib",)).load()().is_dir()


def test_a_missing_symbol_names_itself_the_places_and_the_supported_versions() -> None:
    with pytest.raises(InstallationError) as raised:
        Symbol("nothing", ("json", "no.such.module")).load()

    assert "has no nothing in json or no.such.module" in raised.value.message
    assert raised.value.hint == "mixvllm supports vLLM 0.32 and 0.33."


def test_a_changed_signature_is_one_clear_line() -> None:
    with pytest.raises(InstallationError, match=r"(?m)^join of this vLLM .* takes no b, c\.$"):
        Symbol("join", ("posixpath",), ("a", "b", "c")).check()


def test_the_tested_parameters_are_enough() -> None:
    Symbol("join", ("posixpath",), ("a",)).check()
