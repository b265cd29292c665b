"""Two API workers in front of the real engine."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server.processes import ServerProcess, server_process, still_running
from tests.server.test_api_workers import connections
from tests.server.test_engine_ends import CAPITAL, LOADED_WITHIN_S, running_requests

SERVE = ["-m", "mixvllm", "serve", "demo", "--host", "127.0.0.1", "--workers", "2"]
pytestmark = pytest.mark.engine
LONG = {"model": "demo", "prompt": "Once", "max_tokens": 3000, "ignore_eos": True, "stream": True}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with server_process([*SERVE, "--cpu-kv-cache-gib", "1"], tmp_path) as server:
        server.wait_for_phase("ready", within_s=LOADED_WITHIN_S)
        yield server


def ask(server: ServerProcess) -> str:
    answer = httpx.post(f"{server.url}/v1/completions", json=CAPITAL, timeout=120)
    assert answer.status_code == 200, answer.text
    text: str = answer.json()["choices"][0]["text"]
    return text


def counted(server: ServerProcess) -> str:
    """The line of the metrics that counts completions."""
    lines = httpx.get(f"{server.url}/metrics", timeout=30).text.splitlines()
    return next(line for line in lines if 'handler="/v1/completions"' in line)


def end_of_stream(server: ServerProcess) -> str:
    try:
        with httpx.stream("POST", f"{server.url}/v1/completions", json=LONG, timeout=120) as answer:
            return "".join(answer.iter_text())[-300:]
    except httpx.RemoteProtocolError:
        return "cut"


def ends_of_streams(server: ServerProcess, kill: list[int], number: signal.Signals) -> list[str]:
    """How six streams end that two workers answer, when processes get a signal."""
    workers = (server.status() or {})["worker_pids"]
    with ThreadPoolExecutor() as clients:
        answers = [clients.submit(end_of_stream, server) for _ in range(6)]
        server.wait_until(lambda _: running_requests(server) == 6, within_s=60)
        assert all(connections(pid, server.port) for pid in workers)
        for pid in kill:
            os.kill(pid, number)
        return [answer.result(60) for answer in answers]


def assert_polite(ends: list[str]) -> None:
    assert not any("[DONE]" in end for end in ends)
    assert all("is being started again" in end for end in ends if end != "cut"), ends


def recovered(server: ServerProcess) -> dict[str, Any]:
    status = server.wait_for_phase("ready", within_s=LOADED_WITHIN_S)
    assert "Paris" in ask(server)
    return status


def test_two_workers_answer_and_the_death_of_one_is_healed(server: ServerProcess) -> None:
    before = server.status() or {}
    with ThreadPoolExecutor() as clients:
        texts = [done.result() for done in [clients.submit(ask, server) for _ in range(8)]]
    assert all("Paris" in text for text in texts)
    assert counted(server).endswith(" 8.0")
    assert before["kv_cache"]["actual_tokens"] == before["kv_cache"]["predicted_tokens"]

    ends = ends_of_streams(server, before["worker_pids"][:1], signal.SIGKILL)

    assert 0 < ends.count("cut") < 6
    assert_polite(ends)
    assert httpx.get(f"{server.url}/health").status_code == 503
    after = recovered(server)
    assert after["restarts"] == 1
    assert not set(before["worker_pids"]) & set(after["worker_pids"])
    family = server.family()
    server.send(signal.SIGTERM)
    assert server.process.wait(30) == 0
    assert still_running(family, within_s=10) == []


@pytest.mark.faults
def test_with_workers_the_death_of_the_engine_is_healed_however_it_comes(
    server: ServerProcess,
) -> None:
    for restarts, place in enumerate((0, -1), start=1):
        pid = (server.status() or {})["engine_pids"][place]
        ends = ends_of_streams(server, [pid], signal.SIGKILL)
        assert "cut" not in ends
        assert_polite(ends)
        assert recovered(server)["restarts"] == restarts

    stopped = (server.status() or {})["worker_pids"][0]
    assert_polite(ends_of_streams(server, [stopped], signal.SIGSTOP))
    assert recovered(server)["restarts"] == 3


@pytest.mark.faults
def test_with_workers_nothing_is_left_of_a_killed_server(server: ServerProcess) -> None:
    family = server.family()

    server.send(signal.SIGKILL)

    assert server.process.wait(5) == -signal.SIGKILL
    assert still_running(family, within_s=5) == []
