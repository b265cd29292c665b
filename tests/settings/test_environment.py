"""`MIXVLLM_<SECTION>__<FIELD>`, aliases and vLLM's own variables."""

import pytest

from mixvllm.errors import SettingsError
from mixvllm.settings.fields import all_fields
from mixvllm.settings.resolve import Sources, resolve


@pytest.mark.parametrize(
    "name",
    [
        "MIXVLLM_INFERENCE__TENSOR_PARALLEL_SIZE",
        "MIXVLLM_INFERENCE__GPUS",
        "mixvllm_inference__gpus",
    ],
)
def test_a_field_answers_to_its_name_and_its_alias(name: str) -> None:
    assert resolve(Sources(environment={name: "2"})).settings.inference.tensor_parallel_size == 2


def test_a_section_answers_to_its_alias() -> None:
    resolved = resolve(Sources(environment={"MIXVLLM_GENERATION__TOP_P": "0.5"}))

    assert resolved.settings.generation_defaults.top_p == 0.5


def test_every_field_has_a_variable() -> None:
    environment = {
        field.environment_name: "1" for field in all_fields() if field.type_name == "integer"
    }
    del environment["MIXVLLM_SERVER__PORT"]

    resolved = resolve(Sources(environment=environment))

    origins = {str(value.origin) for value in resolved.values}
    assert {f"environment {name}" for name in environment} <= origins
    assert len(environment) >= 8


@pytest.mark.parametrize(("text", "value"), [("true", True), ("1", True), ("off", False)])
def test_switches_take_the_usual_words(text: str, value: bool) -> None:
    resolved = resolve(Sources(environment={"MIXVLLM_MODEL__TRUST_REMOTE_CODE": text}))

    assert resolved.settings.model.trust_remote_code is value


def test_a_name_and_its_alias_with_different_values_contradict_each_other() -> None:
    environment = {"MIXVLLM_INFERENCE__GPUS": "2", "MIXVLLM_INFERENCE__TENSOR_PARALLEL_SIZE": "4"}

    with pytest.raises(SettingsError) as raised:
        resolve(Sources(environment=environment))

    (problem,) = raised.value.problems
    assert problem.key == "MIXVLLM_INFERENCE__TENSOR_PARALLEL_SIZE"
    assert "contradicts MIXVLLM_INFERENCE__GPUS" in problem.message


def test_a_bad_variable_is_named_as_such() -> None:
    with pytest.raises(SettingsError) as raised:
        resolve(Sources(environment={"MIXVLLM_SERVER__PORT": "eighty"}))

    (problem,) = raised.value.problems
    assert (problem.source, problem.key, problem.line) == (
        "environment",
        "MIXVLLM_SERVER__PORT",
        None,
    )
    assert problem.message == "must be a whole number, between 1024 and 65535, not 'eighty'"


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("MIXVLLM_SERVR__PORT", "MIXVLLM_SERVER__PORT"),
        ("MIXVLLM_SERVER_PORT", "MIXVLLM_SERVER__PORT"),
        ("MIXVLLM_API_KEY", "MIXVLLM_SERVER__API_KEY"),
        ("MIXVLLM_CONFG", "MIXVLLM_CONFIG"),
    ],
)
def test_an_unknown_name_is_a_warning_with_the_nearest_name(name: str, suggestion: str) -> None:
    (warning,) = resolve(Sources(environment={name: "1"})).warnings

    assert warning.severity == "warning"
    assert (warning.key, warning.suggestion) == (name, suggestion)


def test_the_vllm_mapping_is_read_name_by_name_and_as_json() -> None:
    environment = {
        "MIXVLLM_VLLM__ENABLE_AUTO_TOOL_CHOICE": "true",
        "MIXVLLM_VLLM__ALLOWED_MEDIA_DOMAINS": "a.example b.example",
        "MIXVLLM_VLLM": '{"seed": 3, "tool-call-parser": "hermes"}',
    }

    assert resolve(Sources(environment=environment)).settings.vllm == {
        "enable_auto_tool_choice": True,
        "allowed_media_domains": ["a.example", "b.example"],
        "seed": 3,
        "tool_call_parser": "hermes",
    }


@pytest.mark.parametrize("text", ["{", "[1]", "3"])
def test_the_vllm_mapping_must_be_a_json_object(text: str) -> None:
    with pytest.raises(SettingsError) as raised:
        resolve(Sources(environment={"MIXVLLM_VLLM": text}))

    assert raised.value.problems[0].key == "MIXVLLM_VLLM"


def test_vllms_own_variables_count_below_ours() -> None:
    theirs = {"VLLM_CPU_KVCACHE_SPACE": "2", "VLLM_API_KEY": "theirs"}
    both = {**theirs, "MIXVLLM_INFERENCE__CPU_KV_CACHE_GIB": "3"}

    resolved = resolve(Sources(environment=theirs))
    assert resolved.settings.inference.cpu_kv_cache_gib == 2
    assert str(resolved.value("server.api_key").origin) == "environment VLLM_API_KEY"
    assert resolve(Sources(environment=both)).settings.inference.cpu_kv_cache_gib == 3


def test_a_secret_may_be_the_word_null() -> None:
    resolved = resolve(Sources(environment={"MIXVLLM_SERVER__API_KEY": "null"}))

    assert resolved.settings.server.api_key is not None
