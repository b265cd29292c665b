"""`mixvllm serve` started by a program, as far as it goes without an engine."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

import mixvllm
from mixvllm.server.address import listen
from mixvllm.server.launch import start_server


def test_a_server_that_cannot_begin_is_an_error_with_what_it_said() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(mixvllm.EngineStartError) as raised:
        mixvllm.serve("demo", host="127.0.0.1", port=taken.getsockname()[1])

    assert raised.value.message == "The server ended with 1 before it was ready."
    assert raised.value.hint is not None
    assert f"is already in use by process {os.getpid()}" in raised.value.hint


def test_it_has_the_settings_it_was_given_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mixvllm.yaml").write_text("server:\n  port: 80\n")
    monkeypatch.setenv("MIXVLLM_SERVER__HOST", "192.0.2.7")
    monkeypatch.setenv("MIXVLLM_CONFIG", "nowhere.yaml")
    monkeypatch.setenv("VLLM_API_KEY", "of the environment")
    settings = mixvllm.ServeConfig().merge_cli_args({"model": "./none", "api_key": "hush"})

    with pytest.raises(mixvllm.EngineStartError) as raised:
        mixvllm.serve(settings)

    assert "There is no model directory ./none." in str(raised.value.hint)


def test_the_key_stands_neither_in_arguments_nor_in_the_environment() -> None:
    settings = mixvllm.ServeConfig().merge_cli_args({"model": "./none", "api_key": "hush"})
    with tempfile.TemporaryFile() as output:
        process = start_server(settings, output=output)
        told = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        told += Path(f"/proc/{process.pid}/environ").read_bytes()
        process.wait()

    assert b"serve" in told
    assert b"hush" not in told


def test_waiting_ends_in_time_and_the_server_with_it() -> None:
    started = mixvllm.serve("demo", wait=False, host="127.0.0.1", port=8124)
    with started, pytest.raises(TimeoutError, match="not ready after 0 s"):
        started.wait_until_ready(0)

    assert started.process.poll() is not None
    assert started.status() is None


def test_settings_without_a_model_start_nothing() -> None:
    with pytest.raises(mixvllm.SettingsError, match="--model is required"):
        start_server(mixvllm.ServeConfig())
