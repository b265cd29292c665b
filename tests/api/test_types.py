"""What a type checker sees of the Python API: `nox -s types` reads this file, strictly."""

from __future__ import annotations

from collections.abc import Callable
from subprocess import Popen
from typing import Any, assert_type

import pytest

import mixvllm
from mixvllm.inference.server import build_vllm_command, start_server
from mixvllm.inference.utils import get_gpu_info


def as_a_user_writes() -> None:
    settings = mixvllm.ServeConfig.from_yaml("phi3.yaml").merge_cli_args({"port": 9000})
    assert_type(settings, mixvllm.ServeConfig)
    assert_type(settings.server.port, int)
    assert_type(mixvllm.load_settings("phi3.yaml", gpu_memory=0.8), mixvllm.Resolved)
    answer = mixvllm.estimate(settings, gpu="H100", max_model_len=32768)
    assert_type(answer, mixvllm.Estimate)
    assert_type(answer.fits, bool | None)
    assert_type(mixvllm.solve("gpu", settings, concurrency=8), mixvllm.Solution)
    assert_type(mixvllm.compare(settings, gpu=["H100", "L40S"]), mixvllm.Comparison)
    assert_type(mixvllm.read_log("vllm.log", gpu="H100"), mixvllm.LogReport)
    assert_type(mixvllm.list_gpus().gpus, tuple[mixvllm.Gpu, ...])
    with mixvllm.serve(settings) as server:
        assert_type(server, mixvllm.StartedServer)
        assert_type(server.url, str)
    assert_type(start_server(settings), Popen[bytes])
    assert_type(build_vllm_command(settings), list[str])
    assert_type(get_gpu_info(), dict[str, Any])
    assert_type(mixvllm.__version__, str)


def test_what_is_typed_can_be_called() -> None:
    checked: Callable[[], None] = as_a_user_writes

    with pytest.raises(mixvllm.SettingsError) as raised:
        checked()

    assert raised.value.problems[0].file == "phi3.yaml"
