"""The schema for editors says of a config file what `config validate` says of it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mixvllm.settings.check import check_file
from mixvllm.settings.fields import all_fields
from mixvllm.settings.json_schema import config_schema, schema_text
from mixvllm.settings.yaml_document import read_yaml

CONFIGS = sorted(Path(__file__).parents[2].joinpath("configs").rglob("*.yaml"))
SETTINGS_FILES = [file for file in CONFIGS if file.name != "mcp_servers.yaml"]

RIGHT = [
    "{}",
    "model:",
    "model: {name: a}",
    "inference: {gpus: 2, gpu_memory: 0.5}",
    "inference: {max_model_len: auto, max_num_batched_tokens: 32k}",
    "inference: {max_model_len: 1.5K, dtype: null, quantization: awq}",
    "inference: {gpu_memory: 1}",
    "generation: {temperature: 0, top_p: 1, top_k: -1}",
    "generation_defaults: {top_k: 0}",
    "server: {api_key: secret, log_format: json, port: 65535}",
    "vllm: {tool_call_parser: hermes, enable_auto_tool_choice: true, seed: 3}",
    "vllm: {tool-call-parser: hermes, enable-auto-tool-choice: null}",
    "vllm: {limit_mm_per_prompt: {image: 2}, lora_modules: [a=b], max_lora_rank: 16}",
    "vllm:",
    "profiles: {dev: {server: {port: 9000}}, empty: null}",
    "profiles:",
    "x-common: &common {port: 9000}\nserver: *common",
]
WRONG = [
    "[]",
    "text",
    "modle: {name: a}",
    "model: {nmae: a}",
    "model: {name: 5}",
    "model: {name: ''}",
    "model: a",
    "model: {trust_remote_code: 'yes please'}",
    "model: {trust_remote_code: 1}",
    "inference: {gpus: 0}",
    "inference: {gpus: '2'}",
    "inference: {gpus: 1.5}",
    "inference: {gpus: true}",
    "inference: {gpu_memory: 0.05}",
    "inference: {gpu_memory: 1.1}",
    "inference: {max_model_len: 0}",
    "inference: {max_model_len: longest}",
    "inference: {max_model_len: 0k}",
    "inference: {max_num_batched_tokens: auto}",
    "inference: {dtype: float64}",
    "inference: {quantization: awk}",
    "inference: {kv_cache_dtype: fp7}",
    "inference: {distributed_executor_backend: dask}",
    "inference: {cpu_kv_cache_gib: 0}",
    "server: {port: 80}",
    "server: {port: '8000'}",
    "server: {api_key: 12345}",
    "server: {restart: sometimes}",
    "server: {shutdown_grace_s: -1}",
    "generation: {temperature: 2.5}",
    "generation: {top_p: 0}",
    "generation: {max_tokens: 0}",
    "generation: {temprature: 1}",
    "vllm: {tool_call_praser: hermes}",
    "vllm: {tensor_parallel_size: 2}",
    "vllm: {tensor-parallel-size: 2}",
    "vllm: {uvicorn_log_level: info}",
    "vllm: {hf_token: abc}",
    "vllm: {enable_auto_tool_choice: 'yes'}",
    "vllm: {tool_call_parser: true}",
    "vllm: {scheduling_policy: random}",
    "vllm: {scheduling-policy: random}",
    "vllm: []",
    "profiles: [dev]",
    "profiles: {dev: {server: {prot: 1}}}",
    "profiles: {dev: {profiles: {}}}",
    "profiles: {dev: 5}",
]


@cache
def validator() -> Draft202012Validator:
    return Draft202012Validator(config_schema())


def schema_accepts(data: Any) -> bool:
    return bool(validator().is_valid(data))


def written(text: str, directory: Path) -> Path:
    file = directory / "config.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_schema_is_a_valid_schema() -> None:
    Draft202012Validator.check_schema(config_schema())


def test_there_are_example_configs() -> None:
    assert {"demo.yaml", "phi3-mini.yaml"} <= {file.name for file in SETTINGS_FILES}


@pytest.mark.parametrize("file", SETTINGS_FILES, ids=lambda file: file.name)
def test_schema_and_validation_accept_every_example_config(file: Path) -> None:
    assert schema_accepts(read_yaml(file).data)
    assert check_file(file).problems == ()


@pytest.mark.parametrize("text", RIGHT)
def test_schema_and_validation_accept_the_same_files(text: str, tmp_path: Path) -> None:
    file = written(text, tmp_path)
    assert check_file(file).problems == ()
    assert schema_accepts(read_yaml(file).data)


@pytest.mark.parametrize("text", WRONG)
def test_schema_and_validation_refuse_the_same_files(text: str, tmp_path: Path) -> None:
    file = written(text, tmp_path)
    assert not check_file(file).is_ok()
    assert not schema_accepts(read_yaml(file).data)


@pytest.mark.parametrize("field", all_fields(), ids=lambda field: field.key)
def test_every_field_takes_its_own_example_and_null(field: Any, tmp_path: Path) -> None:
    for value in (field.example, None):
        data = {field.section: {field.name: value}}
        assert schema_accepts(data)
        assert check_file(written(json.dumps(data), tmp_path)).is_ok()


@pytest.mark.parametrize("field", all_fields(), ids=lambda field: field.key)
def test_every_name_of_a_field_is_described(field: Any) -> None:
    described = config_schema()["$defs"][field.section]["properties"]
    for name in (field.name, *field.aliases):
        assert field.meaning in described[name]["description"]


def test_no_value_of_this_machine_is_in_the_schema() -> None:
    field = config_schema()["$defs"]["inference"]["properties"]["cpu_kv_cache_gib"]
    assert "default" not in field


def test_the_text_is_the_schema_as_json() -> None:
    assert json.loads(schema_text(config_schema())) == config_schema()
