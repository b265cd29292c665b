from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Literal

import pytest

from mixvllm.settings.schema import ServeConfig
from mixvllm.sizes import GIB
from mixvllm.vllm_internals.command_line import api_server_arguments

RICH: dict[str, Any] = {
    "model": {
        "name": "org/model",
        "revision": "main",
        "trust_remote_code": True,
        "served_name": "assistant",
    },
    "inference": {
        "tensor_parallel_size": 2,
        "max_model_len": "auto",
        "dtype": "bfloat16",
        "quantization": "awq",
        "kv_cache_dtype": "fp8",
        "max_num_seqs": 64,
        "max_num_batched_tokens": "8k",
        "enforce_eager": True,
        "pipeline_parallel_size": 2,
        "data_parallel_size": 2,
        "distributed_executor_backend": "mp",
        "cpu_kv_cache_gib": 1.5,
    },
    "server": {"host": "127.0.0.1", "port": 8100, "api_key": "do-not-tell"},
    "generation_defaults": {
        "temperature": 0.5,
        "max_tokens": 77,
        "top_p": 0.9,
        "top_k": -1,
        "presence_penalty": -1.5,
        "frequency_penalty": 0.25,
    },
    "vllm": {
        "enable_prefix_caching": False,
        "enable_auto_tool_choice": True,
        "disable_log_stats": True,
        "tool_call_parser": "hermes",
        "allowed_media_domains": ["one.example", "two.example"],
        "middleware": ["one.first", "two.second"],
        "speculative_config": {"method": "ngram", "num_speculative_tokens": 3},
        "override_generation_config": {"temperature": 0.1, "repetition_penalty": 1.1},
        "hf_token": "do-not-tell",
        "seed": -1,
    },
}


def arguments_of(
    *, build: Literal["gpu", "cpu"] = "gpu", model_path: str | None = None, **sections: Any
) -> list[str]:
    settings = ServeConfig(**({"model": {"name": "org/model"}} | sections))
    return api_server_arguments(settings, build=build, model_path=model_path)


def value_of(arguments: list[str], flag: str) -> str:
    return arguments[arguments.index(flag) + 1]


def test_plain_settings_say_the_model_the_address_and_the_memory() -> None:
    expected = "--model org/model --gpu-memory-utilization 0.9 --host 0.0.0.0 --port 8000"
    assert arguments_of() == expected.split()


def test_the_cpu_build_is_told_bytes_for_its_cache_and_no_share_of_a_gpu() -> None:
    arguments = arguments_of(build="cpu", inference={"cpu_kv_cache_gib": 1.5})
    assert value_of(arguments, "--kv-cache-memory-bytes") == str(int(1.5 * GIB))
    assert "--gpu-memory-utilization" not in arguments


def test_the_pass_through_section_overrules_the_cache_size() -> None:
    arguments = arguments_of(build="cpu", vllm={"kv_cache_memory_bytes": "2GiB"})
    assert arguments.count("--kv-cache-memory-bytes") == 1
    assert value_of(arguments, "--kv-cache-memory-bytes") == "2GiB"


def test_a_path_in_place_of_the_name_keeps_the_name_for_requests() -> None:
    arguments = arguments_of(model={"name": "demo"}, model_path="/cache/demo")
    assert arguments[:4] == ["--model", "/cache/demo", "--served-model-name", "demo"]


def test_a_served_name_is_said() -> None:
    arguments = arguments_of(model={"name": "org/model", "served_name": "assistant"})
    assert arguments[:4] == ["--model", "org/model", "--served-model-name", "assistant"]


def test_sampling_defaults_are_passed_without_the_length_that_would_be_a_ceiling() -> None:
    arguments = arguments_of(generation_defaults={"temperature": 0.0, "max_tokens": 5})
    assert json.loads(value_of(arguments, "--override-generation-config")) == {"temperature": 0.0}


def test_no_sampling_default_leaves_the_models_own_alone() -> None:
    assert "--override-generation-config" not in arguments_of(generation_defaults={"max_tokens": 5})


@pytest.mark.parametrize("as_text", [False, True])
def test_the_users_generation_config_is_kept_under_ours(as_text: bool) -> None:
    given: Any = {"temperature": 0.1, "min_p": 0.2}
    arguments = arguments_of(
        generation_defaults={"temperature": 0.5},
        vllm={"override_generation_config": json.dumps(given) if as_text else given},
    )
    merged = json.loads(value_of(arguments, "--override-generation-config"))
    assert merged == {"temperature": 0.5, "min_p": 0.2}


def test_a_generation_config_that_is_no_mapping_is_left_for_vllm_to_refuse() -> None:
    arguments = arguments_of(
        generation_defaults={"temperature": 0.5}, vllm={"override_generation_config": "{broken"}
    )
    assert value_of(arguments, "--override-generation-config") == "{broken"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("enable_prefix_caching", True, "--enable-prefix-caching"),
        ("enable_prefix_caching", False, "--no-enable-prefix-caching"),
        ("disable_log_stats", True, "--disable-log-stats"),
        ("disable_log_stats", False, ""),
        ("allowed_media_domains", ["a", "b"], "--allowed-media-domains a b"),
        ("allowed_media_domains", [], ""),
        ("middleware", ["a.b", "c.d"], "--middleware a.b --middleware c.d"),
        ("middleware", "a.b", "--middleware a.b"),
        ("hf_overrides", {"a": [1]}, '--hf-overrides {"a":~[1]}'),
        ("seed", -1, "--seed=-1"),
        ("tool_call_parser", "hermes", "--tool-call-parser hermes"),
        ("tool_call_parser", None, ""),
        ("no_such_argument", True, "--no-such-argument"),
        ("no_such_argument", ["a", "b"], "--no-such-argument a b"),
        ("no_such_argument", 1.5, "--no-such-argument 1.5"),
    ],
)
def test_a_pass_through_value_is_written_as_its_argument_takes_it(
    name: str, value: Any, expected: str
) -> None:
    arguments = arguments_of(vllm={name: value})
    assert arguments[len(arguments_of()) :] == [word.replace("~", " ") for word in expected.split()]


@pytest.mark.parametrize("build", ["gpu", "cpu"])
def test_no_secret_is_among_the_arguments(build: Literal["gpu", "cpu"]) -> None:
    assert "do-not-tell" not in " ".join(arguments_of(build=build, **RICH))


@pytest.mark.engine
@pytest.mark.parametrize("build", ["gpu", "cpu"])
def test_vllm_itself_takes_the_arguments_as_meant(build: Literal["gpu", "cpu"]) -> None:
    code = (
        "import json, sys\n"
        "from mixvllm.vllm_internals.adapter import build_parser\n"
        "wanted = json.load(sys.stdin)\n"
        "parsed = vars(build_parser().parse_args(sys.argv[1:]))\n"
        "print(json.dumps({name: parsed[name] for name in wanted}))"
    )
    expected = {
        "model": "org/model",
        "served_model_name": ["assistant"],
        "tensor_parallel_size": 2,
        "max_model_len": -1,
        "max_num_batched_tokens": 8000,
        "enforce_eager": True,
        "trust_remote_code": True,
        "port": 8100,
        "override_generation_config": {
            "temperature": 0.5,
            "top_p": 0.9,
            "top_k": -1,
            "presence_penalty": -1.5,
            "frequency_penalty": 0.25,
            "repetition_penalty": 1.1,
        },
        "enable_prefix_caching": False,
        "allowed_media_domains": ["one.example", "two.example"],
        "middleware": ["one.first", "two.second"],
        "seed": -1,
        "kv_cache_memory_bytes": int(1.5 * GIB) if build == "cpu" else None,
    }
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments_of(build=build, **RICH)],
        input=json.dumps(list(expected)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == expected
