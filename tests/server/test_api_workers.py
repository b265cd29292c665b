"""Several API processes over one engine, as real processes on one port."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.server.metrics.exposition import Metrics
from tests.server.processes import ServerProcess, pause, server_process, still_running

SMALL = ["-m", "tests.server.small_server", "--workers", "2"]


@pytest.fixture
def ready(tmp_path: Path) -> Iterator[ServerProcess]:
    with server_process([*SMALL, "--grace", "1"], tmp_path) as server:
        server.wait_for_phase("ready", within_s=60)
        yield server


def status_of(server: ServerProcess) -> dict[str, Any]:
    status = server.status()
    assert status is not None
    return status


def connections(pid: int, port: int) -> int:
    """How many clients a process serves now."""
    found = psutil.Process(pid).net_connections("tcp")
    open_ones = [each for each in found if each.status == psutil.CONN_ESTABLISHED]
    return len([each for each in open_ones if each.laddr.port == port])


@contextmanager
def streams(server: ServerProcess, count: int, path: str) -> Iterator[list[Iterator[str]]]:
    """Streams that have begun."""
    with ExitStack() as stack:
        opened = []
        for _ in range(count):
            stream = stack.enter_context(httpx.stream("GET", server.url + path, timeout=30))
            opened.append(stream.iter_lines())
            next(opened[-1])
        yield opened


def rest_of(stream: Iterator[str]) -> str:
    """What still comes; a line of a process that is gone is cut."""
    try:
        return "\n".join(stream)
    except httpx.RemoteProtocolError:
        return "cut"


def test_the_workers_share_the_connections_and_say_the_same(ready: ServerProcess) -> None:
    workers = status_of(ready)["worker_pids"]
    assert len(workers) == 2

    with streams(ready, 8, "/v1/stream"):
        served = [connections(pid, ready.port) for pid in workers]
        assert connections(ready.process.pid, ready.port) == 0

    assert sum(served) == 8
    assert min(served) >= 2

    answers = [status_of(ready) for _ in range(8)]

    assert {json.dumps({**answer, "elapsed_s": 0}) for answer in answers} == {
        json.dumps({**answers[0], "elapsed_s": 0})
    }
    assert answers[0]["kv_cache"] == {"predicted_tokens": 64, "actual_tokens": 128}
    assert len(answers[0]["engine_pids"]) == 1
    assert answers == sorted(answers, key=lambda answer: answer["elapsed_s"])


def test_a_connection_of_before_the_workers_does_not_keep_a_client_from_them(
    tmp_path: Path,
) -> None:
    with server_process(SMALL, tmp_path) as server, httpx.Client(base_url=server.url) as client:
        while server.status() is None:
            pause()
        while client.get("/health").status_code != 200:
            pause()

        assert client.post("/v1/completions", json={"prompt": "x"}).status_code == 200


def test_every_worker_shows_the_metrics_of_all_and_a_restart_loses_none(
    ready: ServerProcess,
) -> None:
    for _ in range(10):
        httpx.post(f"{ready.url}/v1/completions", json={})
    wait_for_counted(ready, 10)
    with streams(ready, 4, "/v1/stream"):
        read = wait_for_counted(ready, 10, in_flight=4)
        os.kill(status_of(ready)["worker_pids"][0], signal.SIGKILL)
    ready.wait_until(lambda status: status["restarts"] == 1, within_s=30)
    ready.wait_for_phase("ready", within_s=60)
    after = wait_for_counted(ready, 10, in_flight=0)

    assert read.value("mixvllm_kv_cache_tokens", kind="actual") == 128
    assert after.value("mixvllm_engine_errors_total", kind="died") == 1
    assert after.value("engine_metric") == 1


def wait_for_counted(server: ServerProcess, count: int, *, in_flight: int = 0) -> Metrics:
    """Scrape again and again: each worker tells the others' requests a second later."""
    answered = {"route": "/v1/completions", "status": "200"}
    deadline = time.monotonic() + 20
    while True:
        # Each scrape is a new connection, and so either worker's.
        read = [Metrics(httpx.get(f"{server.url}/metrics").text) for _ in range(4)]
        counted = {each.value("mixvllm_http_requests_total", **answered) for each in read}
        flying = {each.value("mixvllm_http_requests_in_flight") for each in read}
        if (counted, flying) == ({count}, {in_flight}):
            return read[-1]
        assert time.monotonic() < deadline, (counted, flying)
        pause()


def test_a_killed_worker_is_replaced_with_all_the_others_and_their_streams_end_politely(
    ready: ServerProcess,
) -> None:
    before = status_of(ready)
    with streams(ready, 8, "/v1/events/completions") as opened:
        os.kill(before["worker_pids"][0], signal.SIGKILL)
        ends = [rest_of(stream) for stream in opened]

    polite = [end for end in ends if "is being started again" in end]
    assert polite
    assert len(polite) + ends.count("cut") == 8
    assert not any("[DONE]" in end for end in ends)
    after = ready.wait_until(lambda status: status["restarts"] == 1, within_s=30)
    after = ready.wait_for_phase("ready", within_s=60)
    assert not set(before["worker_pids"]) & set(after["worker_pids"])
    assert httpx.post(f"{ready.url}/v1/completions", json={}).status_code == 200


@pytest.mark.parametrize("role", ["engine_pids", "worker_pids"])
def test_while_a_dead_process_is_replaced_the_port_answers_503_and_stays_open(
    ready: ServerProcess, role: str
) -> None:
    codes, kinds = set(), set()
    os.kill(status_of(ready)[role][0], signal.SIGKILL)
    ready.wait_until(lambda status: status["phase"] != "ready", within_s=10)
    while True:
        answer = httpx.get(f"{ready.url}/v1/models", timeout=10)
        codes.add(answer.status_code)
        kinds.add(answer.headers.get("retry-after"))
        if httpx.get(f"{ready.url}/health", timeout=10).status_code == 200:
            break
        pause()

    assert 503 in codes
    assert codes <= {503, 404}
    assert "2" in kinds
    assert status_of(ready)["restarts"] == 1


def test_a_stopped_worker_is_replaced(ready: ServerProcess) -> None:
    stopped = status_of(ready)["worker_pids"][1]
    os.kill(stopped, signal.SIGSTOP)

    ready.wait_until(lambda status: status["restarts"] == 1, within_s=30)
    ready.wait_for_phase("ready", within_s=60)
    assert not psutil.pid_exists(stopped)


def test_a_signal_lets_streams_go_on_for_the_grace_and_nothing_is_left(
    ready: ServerProcess,
) -> None:
    family = ready.family()
    with streams(ready, 4, "/v1/stream") as opened, httpx.Client(base_url=ready.url) as kept:
        assert kept.get("/health").status_code == 200
        ready.send(signal.SIGTERM)
        ready.wait_for_phase("draining", within_s=10)

        for client in (httpx.get(f"{ready.url}/health"), kept.get("/health")):
            assert (client.status_code, client.json()) == (503, {"phase": "draining"})
        refused = kept.post("/v1/completions", json={})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
        ends = [rest_of(stream).splitlines()[-1] for stream in opened]

    assert ends == ["ended by the server"] * 4
    assert ready.process.wait(10) == 0
    assert still_running(family, within_s=5) == []


def test_no_worker_outlives_a_killed_server(ready: ServerProcess) -> None:
    family = ready.family()
    assert len(family) >= 4

    ready.send(signal.SIGKILL)

    assert ready.process.wait(5) == -signal.SIGKILL
    assert still_running(family, within_s=5) == []


def test_a_reload_reaches_every_worker(tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"server": {"api_key": "old"}}))
    environment = {"MIXVLLM_SERVER__API_KEY": "old"}
    command = [*SMALL, "--settings", str(settings)]
    with server_process(command, tmp_path, environment) as server:
        server.wait_for_phase("ready", within_s=60)
        settings.write_text(json.dumps({"server": {"api_key": "new"}}))
        server.send(signal.SIGHUP)
        new = {"x-api-key": "new"}
        while httpx.get(f"{server.url}/v1/none", headers=new).status_code == 401:
            pause()

        codes = asked_at_once(server, new, 8)

    assert codes == [404] * 8


def asked_at_once(server: ServerProcess, headers: dict[str, str], count: int) -> list[int]:
    """The answers to as many requests whose connections are all open before the first is sent."""
    with ExitStack() as stack:
        opened = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            for _ in range(count)
        ]
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        request = f"GET /v1/none HTTP/1.1\r\nhost: h\r\n{lines}\r\n".encode()
        codes = []
        for each in opened:
            each.sendall(request)
            codes.append(int(each.recv(4096).split()[1]))
        return codes


def test_workers_that_end_while_they_load_end_the_first_start_with_1(tmp_path: Path) -> None:
    with server_process([*SMALL, "--grace", "1"], tmp_path) as server:
        while server.process.poll() is None:
            for process in psutil.Process(server.process.pid).children():
                with suppress(psutil.Error):
                    if "spawn_main" in " ".join(process.cmdline()):
                        process.kill()
            pause()

        assert server.process.returncode == 1
