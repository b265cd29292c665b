"""A command that starts vLLM becomes a config file that means the same; nothing of it is lost."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from mixvllm.errors import SettingsError, UsageError
from mixvllm.settings.check import check_file
from mixvllm.settings.from_vllm_command import Converted, convert
from mixvllm.settings.resolve import Sources, resolve
from mixvllm.settings.schema import ServeConfig
from mixvllm.settings.yaml_document import read_yaml
from mixvllm.vllm_internals.command_line import api_server_arguments

API_SERVER = "python -m vllm.entrypoints.openai.api_server"


def data_of(converted: Converted, directory: Path) -> Any:
    """What the file holds, once `config validate` has found it right."""
    file = directory / "converted.yaml"
    file.write_text(converted.text, encoding="utf-8")
    assert check_file(file).problems == ()
    return read_yaml(file).data


def converted_data(command: str, directory: Path) -> Any:
    converted = convert(command, directory)
    assert converted.warnings == ()
    return data_of(converted, directory)


def settings_of(text: str, directory: Path) -> ServeConfig:
    file = directory / "settings.yaml"
    file.write_text(text, encoding="utf-8")
    return resolve(Sources(config=file)).settings


@pytest.mark.parametrize(
    "command",
    [
        "vllm serve org/model -tp 2",
        "vllm serve -tp 2 org/model",
        "vllm serve --model org/model --tensor-parallel-size=2",
        "vllm serve org/model \\\n    --tensor_parallel_size 2",
        "$ .venv/bin/vllm serve org/model -tp 2",
        "uv run vllm serve org/model -tp 2",
        f"{API_SERVER} --model org/model -tp 2",
        "python3.11 /opt/vllm/entrypoints/openai/api_server.py --model org/model -tp 2",
        "python -m vllm.entrypoints.cli.main serve org/model -tp 2",
        "docker run vllm/vllm-openai:v0.10 --model org/model -tp 2",
        "docker run --gpus all -it --rm -p 8000:8000 -v a:b vllm/vllm-openai org/model -tp 2",
        "sudo podman run --name vllm-server rocm/vllm vllm serve org/model -tp 2",
        "--model org/model -tp 2",
        "vllm serve org/model -tp 2 > server.log 2>&1 &",
    ],
)
def test_every_way_to_start_vllm_is_read(command: str, tmp_path: Path) -> None:
    assert converted_data(command, tmp_path) == {
        "model": {"name": "org/model"},
        "inference": {"tensor_parallel_size": 2},
    }


def test_values_get_their_yaml_types(tmp_path: Path) -> None:
    command = (
        "vllm serve m --max-model-len 32k --gpu-memory-utilization .95 --enforce-eager "
        "--no-enable-prefix-caching --disable-log-stats --seed 0 --revision 1e3 "
        """--limit-mm-per-prompt '{"image": 2}' --cudagraph-capture-sizes 1 2 """
        "--kv-transfer-config.kv_connector X --kv-transfer-config.port 7 --fingerprint-value 007"
    )
    assert converted_data(command, tmp_path) == {
        "model": {"name": "m", "revision": "1e3"},
        "inference": {
            "gpu_memory_utilization": 0.95,
            "max_model_len": 32000,
            "enforce_eager": True,
        },
        "vllm": {
            "enable_prefix_caching": False,
            "disable_log_stats": True,
            "seed": 0,
            "limit_mm_per_prompt": {"image": 2},
            "cudagraph_capture_sizes": [1, 2],
            "kv_transfer_config": {"kv_connector": "X", "port": 7},
            "fingerprint_value": "007",
        },
    }


def test_sampling_defaults_become_generation_defaults(tmp_path: Path) -> None:
    override = '{"temperature": 0.5, "max_new_tokens": 100, "min_p": 0.1, "top_k": null}'
    command = f"vllm serve m --override-generation-config '{override}'"
    assert converted_data(command, tmp_path) == {
        "model": {"name": "m"},
        "generation_defaults": {"temperature": 0.5, "max_tokens": 100},
        "vllm": {"override_generation_config": {"min_p": 0.1, "top_k": None}},
    }


def test_a_sampling_value_out_of_our_range_stays_vllms(tmp_path: Path) -> None:
    command = "vllm serve m --override-generation-config.temperature 3"
    assert converted_data(command, tmp_path) == {
        "model": {"name": "m"},
        "vllm": {"override_generation_config": {"temperature": 3}},
    }


def test_the_api_processes_of_vllm_serve_are_our_workers(tmp_path: Path) -> None:
    assert converted_data("vllm serve m -asc 4", tmp_path)["server"] == {"workers": 4}


@pytest.mark.parametrize(
    "command",
    [
        "vllm serve m --api-key hush-hush",
        "vllm serve m --api-k=hush-hush",
        "vllm serve m --api-key hush-hush other",
        "VLLM_API_KEY=hush-hush vllm serve m",
        "docker run -e VLLM_API_KEY=hush-hush vllm/vllm-openai --model m",
        "docker run -eHF_TOKEN=hush-hush vllm/vllm-openai --model m",
        "docker run --env=HF_TOKEN=hush-hush vllm/vllm-openai --model m",
        "HF_TOKEN=hush-hush vllm serve m",
        "vllm serve m --hf-token hush-hush",
        "vllm serve m --hf-tok hush-hush",
    ],
)
def test_secrets_are_written_nowhere_but_named(command: str, tmp_path: Path) -> None:
    converted = convert(command, tmp_path)
    assert "hush" not in converted.text
    assert not any("hush" in warning.message for warning in converted.warnings)
    comments = [line for line in converted.text.splitlines() if line.startswith("#")]
    assert any("API_KEY" in line or "--api-k" in line or "HF_TOKEN" in line for line in comments)
    assert data_of(converted, tmp_path) == {"model": {"name": "m"}}


def test_the_comment_says_how_to_give_the_api_key() -> None:
    text = convert("vllm serve m --api-key abc").text
    assert "# The API key of --api-key is left out: set MIXVLLM_SERVER__API_KEY.\n" in text


def test_variables_and_what_is_around_become_comments() -> None:
    command = "CUDA_VISIBLE_DEVICES=0,1 nohup vllm serve m --seed 1 2> 'my log' &"
    text = convert(command).text
    assert "#   CUDA_VISIBLE_DEVICES=0,1\n" in text
    assert "#   nohup 2> 'my log' &\n" in text


def test_an_unknown_flag_is_named_with_the_nearest_and_stays_as_a_comment(tmp_path: Path) -> None:
    converted = convert("vllm serve m --tool-cal-parser hermes --swap-space 4")
    assert [(w.key, w.severity, w.suggestion) for w in converted.warnings] == [
        ("--tool-cal-parser", "warning", "--tool-call-parser"),
        ("--swap-space", "warning", None),
    ]
    assert "#   --tool-cal-parser hermes: is no flag that this vLLM knows" in converted.text
    assert "#   --swap-space 4: is an argument of earlier versions of vLLM" in converted.text
    assert data_of(converted, tmp_path) == {"model": {"name": "m"}}


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("--port 80", "must be between 1024 and 65535, not '80'"),
        ("--quantization awk", "not 'awk' (did you mean awq?)"),
        ("--distributed-executor-backend uni", "must be one of mp, ray"),
        ("--uvicorn-log-level debug", "would have no effect"),
        ("--served-model-name a b", "takes one value in mixvllm"),
        ("--enforce-eager=true", "takes no value"),
        ("--headless", "has no equivalent here"),
        ("--seed", "needs a value"),
    ],
)
def test_what_mixvllm_cannot_do_is_named_with_its_reason(
    words: str, reason: str, tmp_path: Path
) -> None:
    converted = convert(f"vllm serve m {words}")
    assert len(converted.warnings) == 1
    (line,) = [line for line in converted.text.splitlines() if words in line]
    assert line.startswith(f"#   {words}: ")
    assert reason in line
    assert data_of(converted, tmp_path) == {"model": {"name": "m"}}


def test_a_shell_variable_is_kept_and_named(tmp_path: Path) -> None:
    converted = convert("vllm serve $MODEL")
    assert [(w.key, w.message) for w in converted.warnings] == [
        ("MODEL", "holds a shell variable, which a file cannot: write its value")
    ]
    assert data_of(converted, tmp_path) == {"model": {"name": "$MODEL"}}


def test_a_command_without_a_model_says_so_and_still_validates(tmp_path: Path) -> None:
    converted = convert("vllm serve")
    assert "# The command names no model: add `name:` under `model:`.\n" in converted.text
    assert data_of(converted, tmp_path) == {"model": None}


def test_vllms_own_config_file_is_read_below_the_flags(tmp_path: Path) -> None:
    (tmp_path / "vllm.yaml").write_text(
        "model: other\nport: 9000\ntensor-parallel-size: 4\nenable_prefix_caching: false\n"
        "served-model-name: [a]\ncompilation-config: {mode: 3}\ndisable-log-stats: false\n",
        encoding="utf-8",
    )
    command = "vllm serve --config vllm.yaml -tp 2"
    assert converted_data(command, tmp_path) == {
        "model": {"name": "other", "served_name": "a"},
        "inference": {"tensor_parallel_size": 2},
        "server": {"port": 9000},
        "vllm": {"enable_prefix_caching": False, "compilation_config": {"mode": 3}},
    }


def test_a_config_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        convert("vllm serve --config nope.yaml", tmp_path)
    assert [(p.file, p.message) for p in raised.value.problems] == [("nope.yaml", "no such file")]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("", "The command of --from is empty."),
        ("ls -l", "The command of --from does not start vLLM."),
        ("vllm chat", "The command of --from does not start vLLM."),
        ("vllm serve 'm", "The command of --from cannot be read: No closing quotation."),
        ("vllm serve m --config", "The command's --config names no file."),
    ],
)
def test_a_line_that_starts_no_vllm_is_refused(command: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        convert(command)
    assert raised.value.message == message


@pytest.mark.parametrize("start", ["vllm serve", API_SERVER, "docker run vllm/vllm-openai:v0.10"])
@pytest.mark.parametrize(
    "text",
    [
        "model: {name: demo/model}",
        "model: {name: a, revision: '1', trust_remote_code: true, served_name: 'null b'}",
        "model: {name: a}\n"
        "inference: {gpus: 2, gpu_memory: 0.7, max_model_len: auto, dtype: float16,"
        " quantization: awq, kv_cache_dtype: fp8, max_num_seqs: 8, max_num_batched_tokens: 4k,"
        " enforce_eager: true, pipeline_parallel_size: 2, data_parallel_size: 2,"
        " distributed_executor_backend: ray}",
        "model: {name: a}\nserver: {host: 127.0.0.1, port: 9000}",
        "model: {name: a}\n"
        "generation: {temperature: 0, top_p: 0.5, top_k: -1, presence_penalty: -2,"
        " frequency_penalty: 0.25}\nvllm: {override_generation_config: {min_p: 0.1}}",
        "model: {name: a}\nvllm: {seed: -1, enable_auto_tool_choice: true, tool_call_parser: x,"
        " async_scheduling: false, disable_log_stats: true, max_lora_rank: 16,"
        " lora_modules: [a=b, 'c=d e'], middleware: [x.y, z], watermark: 0.5,"
        " limit_mm_per_prompt: {image: 2, video: {count: 1}}, chat_template: '{{ a }}',"
        " fingerprint_value: '007', allowed_origins: ['*']}",
    ],
)
def test_settings_to_arguments_and_back_are_the_same_settings(
    text: str, start: str, tmp_path: Path
) -> None:
    settings = settings_of(text, tmp_path)
    arguments = api_server_arguments(settings, build="gpu")

    converted = convert(f"{start} {shlex.join(arguments)}")

    assert converted.warnings == ()
    assert settings_of(converted.text, tmp_path) == settings
