"""Clients of a server with two API workers in front of the real engine."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.server.processes import ServerProcess, server_process
from tests.server.test_api_workers import connections
from tests.server.test_engine_ends import CAPITAL, LOADED_WITHIN_S, running_requests

SERVE = ["-m", "mixvllm", "serve", "demo", "--host", "127.0.0.1", "--workers", "2"]
LONG = {"model": "demo", "prompt": "Once", "max_tokens": 3000, "ignore_eos": True, "stream": True}


@contextmanager
def two_workers(directory: Path) -> Iterator[ServerProcess]:
    """A server with two workers, ready."""
    with server_process([*SERVE, "--cpu-kv-cache-gib", "1"], directory) as server:
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
    begin = 'http_requests_total{handler="/v1/completions"'
    return next(line for line in lines if line.startswith(begin))


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


def recovered(server: ServerProcess, restarts: int) -> dict[str, Any]:
    """Its status when it serves again after so many restarts."""
    status = server.wait_until(
        lambda status: (status["phase"], status["restarts"]) == ("ready", restarts),
        within_s=LOADED_WITHIN_S,
    )
    assert "Paris" in ask(server)
    return status
