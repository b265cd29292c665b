"""Several computing processes under one supervision: tensor, pipeline and data parallel on CPUs."""

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server.processes import ServerProcess, server_process, still_running
from tests.server.test_engine_ends import LOADED_WITHIN_S
from tests.server.tiny_served_model import RANDOM_WEIGHTS, make_tiny_model

pytestmark = pytest.mark.faults
QUESTION: dict[str, Any] = {"prompt": "5 6 7", "max_tokens": 8, "temperature": 0}
ENDLESS = {**QUESTION, "max_tokens": 1500, "ignore_eos": True, "stream": True}


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., AbstractContextManager[ServerProcess]]:
    model = make_tiny_model(tmp_path / "tiny")

    def start(*options: str) -> AbstractContextManager[ServerProcess]:
        command = ["-m", "mixvllm", "serve", str(model), "--host", "127.0.0.1"]
        memory = ["--cpu-kv-cache-gib", "0.25", "--dtype", "float32"]
        return server_process([*command, *memory, *options, *RANDOM_WEIGHTS], tmp_path)

    return start


def ask(server: ServerProcess) -> str:
    request = {"model": (server.status() or {})["model"], **QUESTION}
    answer = httpx.post(f"{server.url}/v1/completions", json=request, timeout=120)
    assert answer.status_code == 200, answer.text
    text: str = answer.json()["choices"][0]["text"]
    return text


def end_of_stream(server: ServerProcess) -> str:
    request = {"model": (server.status() or {})["model"], **ENDLESS}
    with httpx.stream("POST", f"{server.url}/v1/completions", json=request, timeout=120) as stream:
        return "".join(stream.iter_text())[-300:]


@pytest.mark.parametrize(
    ("options", "processes"),
    [
        (("--tensor-parallel-size", "2", "--enforce-eager"), 3),
        (("--pipeline-parallel-size", "2"), 3),
        (("--data-parallel-size", "2", "--enforce-eager"), 4),
        (("--data-parallel-size", "2", "--workers", "2", "--enforce-eager"), 4),
    ],
    ids=["tensor", "pipeline", "data", "data-and-workers"],
)
def test_the_death_of_one_of_several_computing_processes_replaces_them_all(
    start: Callable[..., AbstractContextManager[ServerProcess]],
    options: tuple[str, ...],
    processes: int,
) -> None:
    with start(*options) as server:
        before = server.wait_for_phase("ready", within_s=LOADED_WITHIN_S)
        assert len(before["engine_pids"]) >= processes
        said = ask(server)

        with ThreadPoolExecutor() as clients:
            ends = [clients.submit(end_of_stream, server) for _ in range(2)]
            os.kill(before["engine_pids"][-1], signal.SIGKILL)
            assert all("[DONE]" not in end.result(60) for end in ends)
        after = server.wait_until(
            lambda status: status["restarts"] == 1 and status["phase"] == "ready",
            within_s=LOADED_WITHIN_S,
        )

        assert not set(before["engine_pids"]) & set(after["engine_pids"])
        assert ask(server) == said
        family = server.family()
        server.send(signal.SIGTERM)
        assert server.process.wait(30) == 0
        assert still_running(family, within_s=10) == []
