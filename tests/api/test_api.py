"""The functions of the Python API say what the commands say."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

import mixvllm
from mixvllm.cli.app import run
from mixvllm.inference import utils
from mixvllm.inference.server import build_vllm_command
from mixvllm.render.memory_json import estimate_as_json
from tests.cli.command import Command

FILE = "model:\n  name: owner/name\ninference:\n  gpus: 2\nserver:\n  port: 8001\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "own.yaml"
    path.write_text(FILE)
    return path


def test_an_estimate_is_that_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    answer = mixvllm.estimate("Qwen/Qwen3-8B", gpu="L40S", max_model_len=8192, load=(2000, 500))
    said = capsys.readouterr()
    command = ["estimate-kv", "Qwen/Qwen3-8B", "--gpu", "L40S", "--max-model-len", "8192"]
    printed = Command(capsys)(*command, "--prompt", "2000", "--output", "500", "--json").json

    assert (said.out, said.err) == ("", "")
    assert estimate_as_json(answer) == printed


def test_an_estimate_takes_settings_and_flags_above_them(config: Path) -> None:
    settings = mixvllm.ServeConfig.from_yaml(config)

    other = settings.merge_cli_args({"model": "Qwen/Qwen3-8B"})
    answer = mixvllm.estimate(other, gpu="L40S", max_model_len=4096)

    assert answer.settings.tensor_parallel_size == 2
    assert answer == mixvllm.estimate("Qwen/Qwen3-8B", gpu="L40S", gpus=2, max_model_len=4096)


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({"gpu": "H9000"}, mixvllm.UsageError, "--gpu"),
        ({"concurrency": 0}, mixvllm.UsageError, "concurrency must be at least 1, not 0"),
        ({"load": (0, 5)}, mixvllm.UsageError, "prompt must be at least 1, not 0"),
        ({"block_size": -16}, mixvllm.UsageError, "block_size must be at least 1"),
        ({"vllm_version": "0.1"}, mixvllm.UsageError, "--vllm-version"),
        ({"gpus": 0}, mixvllm.SettingsError, "The settings have 1 problem"),
        ({"max_model_len": 10**7}, mixvllm.EstimateError, "is above the"),
    ],
)
def test_what_is_wrong_with_a_question_is_an_error_of_ours(
    asked: dict[str, object], error: type[mixvllm.MixvllmError], said: str
) -> None:
    with pytest.raises(error, match=said):
        mixvllm.estimate("Qwen/Qwen3-8B", **asked)  # type: ignore[arg-type]


def test_problems_and_ways_out_stand_below_a_traceback() -> None:
    with pytest.raises(mixvllm.SettingsError) as raised:
        mixvllm.ServeConfig().merge_cli_args({"prot": 1})

    assert raised.value.__notes__ == ["command line: prot: is no setting (did you mean port?)"]


def test_settings_are_loaded_as_the_commands_load_them(config: Path) -> None:
    variables = {"MIXVLLM_SERVER__PORT": "8003", "MIXVLLM_PROFILE": ""}

    loaded = mixvllm.load_settings(config, port=8002, gpus=4, environment=variables)

    assert loaded.settings.server.port == 8003
    assert loaded.settings.inference.tensor_parallel_size == 4
    [warning] = loaded.warnings
    assert "MIXVLLM_SERVER__PORT=8003 overrides port 8002" in warning.message


def test_flags_are_above_the_settings_they_are_merged_into(config: Path) -> None:
    args = {"config": str(config), "port": 9000, "gpus": None, "vllm": {"seed": 7}}

    merged = mixvllm.ServeConfig.from_yaml(config).merge_cli_args(args)

    assert merged.model.name == "owner/name"
    assert merged.inference.tensor_parallel_size == 2
    assert merged.server.port == 9000
    assert merged.vllm == {"seed": 7}


def test_what_the_demo_model_brings_goes_with_it() -> None:
    demo = mixvllm.load_settings(model="demo", port=9000).settings

    other = demo.merge_cli_args({"model": "owner/name"})

    assert (demo.inference.dtype, other.inference.dtype) == ("float32", "auto")
    assert other.server.port == 9000


@pytest.mark.parametrize(
    ("args", "key", "said"),
    [
        ({"gpu_memory": 8}, "gpu_memory", "must be between 0.1 and 1.0"),
        ({"gpus": 2, "tensor_parallel_size": 4}, "tensor_parallel_size", "contradicts gpus"),
        ({"vllm": "tool_call_parser"}, "vllm", "must be a mapping"),
        ({"vllm": {"tool-call-parsr": "hermes"}}, "vllm.tool-call-parsr", "is no argument of vLLM"),
        ({"dtype": "float8"}, "dtype", "must be one of"),
    ],
)
def test_a_wrong_flag_is_named_as_it_was_given(
    args: dict[str, object], key: str, said: str
) -> None:
    with pytest.raises(mixvllm.SettingsError) as raised:
        mixvllm.ServeConfig().merge_cli_args(args)

    [problem] = raised.value.problems
    assert problem.key == key
    assert said in problem.message


def test_gpus_are_those_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    inventory = mixvllm.list_gpus()

    assert capsys.readouterr().out == ""
    assert Command(capsys)("gpus", "--json").json["source"] == inventory.source
    if not inventory.gpus:
        assert inventory.reason
        nothing = {"gpu_count": 0, "gpus": [], "cuda_available": False}
        assert utils.get_gpu_info() == nothing


def test_the_gpus_of_a_mapping_are_those_that_a_program_sees(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = mixvllm.Gpu(1, name="H100", memory_total_bytes=80 * 2**30, visible_as=0)
    hidden = replace(seen, index=0, visible_as=None)
    monkeypatch.setattr(utils, "list_gpus", lambda: mixvllm.Inventory((hidden, seen), "nvml"))

    assert utils.get_gpu_info() == {
        "gpu_count": 1,
        "gpus": [{"id": 0, "name": "H100", "total_memory_gb": 80.0}],
        "cuda_available": True,
    }


def test_a_file_is_told_as_it_is_written(config: Path) -> None:
    assert utils.load_yaml_config(str(config)) == {
        "model": {"name": "owner/name"},
        "inference": {"gpus": 2},
        "server": {"port": 8001},
    }
    merged = utils.merge_configs(utils.load_config_from_yaml(config), {"port": 9000})
    assert merged.server.port == 9000


@pytest.mark.parametrize("text", ["- a\n- b\n", "model: [\n"])
def test_a_file_that_is_none_is_said_with_its_place(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)

    with pytest.raises(mixvllm.SettingsError) as raised:
        utils.load_yaml_config(path)

    assert raised.value.problems[0].file == str(path)


def test_the_command_of_vllm_is_what_config_show_prints(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = mixvllm.load_settings(config, api_key="hush", environment={}).settings

    command = build_vllm_command(settings)

    assert command[:3] == [sys.executable, "-m", "vllm.entrypoints.openai.api_server"]
    assert run(["config", "show", "--config", str(config), "--vllm-args"]) == 0
    assert command[3:] == capsys.readouterr().out.split()
    assert "hush" not in command


def test_a_command_needs_a_model() -> None:
    with pytest.raises(mixvllm.SettingsError, match="--model is required"):
        build_vllm_command(mixvllm.ServeConfig())
