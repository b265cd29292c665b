import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from mixvllm.directories import runtime_directory
from mixvllm.server.registry import running_servers
from tests.server.processes import ServerProcess, server_process, still_running

SMALL = ["-m", "tests.server.small_server"]
SIGNALS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


@pytest.fixture
def ready(tmp_path: Path) -> Iterator[ServerProcess]:
    with server_process([*SMALL, "--grace", "0.5"], tmp_path) as server:
        server.wait_for_phase("ready", within_s=30)
        yield server


@pytest.fixture
def loading(tmp_path: Path) -> Iterator[ServerProcess]:
    with server_process([*SMALL, "--never-ready"], tmp_path) as server:
        server.wait_for_phase("loading", within_s=30)
        yield server


@SIGNALS
def test_a_signal_ends_a_ready_server_with_0_and_nothing_is_left(
    ready: ServerProcess, number: signal.Signals
) -> None:
    family = ready.family()
    assert len(family) > 1

    ready.send(number)

    assert ready.process.wait(10) == 0
    assert still_running(family, within_s=5) == []


@SIGNALS
def test_a_signal_while_loading_ends_at_once_with_0(
    loading: ServerProcess, number: signal.Signals
) -> None:
    family = loading.family()
    before = time.monotonic()

    loading.send(number)

    assert loading.process.wait(10) == 0
    assert time.monotonic() - before < 5
    assert still_running(family, within_s=5) == []


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_answers_looks_for_garbage_far_less_often_than_python_does(
    tmp_path: Path, workers: str
) -> None:
    with server_process([*SMALL, "--workers", workers], tmp_path) as server:
        server.wait_for_phase("ready", within_s=30)
        youngest = httpx.get(f"{server.url}/v1/garbage").json()[0]

    assert youngest >= 10 * gc.get_threshold()[0]


def test_an_open_stream_is_ended_when_the_grace_is_over(ready: ServerProcess) -> None:
    with httpx.stream("GET", f"{ready.url}/v1/stream", timeout=20) as stream:
        lines = stream.iter_lines()
        assert next(lines) == "word"
        ready.send(signal.SIGTERM)
        rest = list(lines)

    assert rest[-1] == "ended by the server"
    assert ready.process.wait(10) == 0


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    with server_process([*SMALL, "--grace", "60"], tmp_path) as server:
        server.wait_for_phase("ready", within_s=30)
        with httpx.stream("GET", f"{server.url}/v1/stream", timeout=20) as stream:
            lines = stream.iter_lines()
            assert next(lines) == "word"
            server.send(signal.SIGINT)
            server.wait_for_phase("draining", within_s=10)
            entries = list(runtime_directory().glob("*.json"))
            server.send(signal.SIGINT)

            assert server.process.wait(5) == 0
            assert len(entries) == 1
            assert not entries[0].exists()


@SIGNALS
def test_a_signal_before_anything_has_begun_ends_with_0(number: signal.Signals) -> None:
    # As soon as the command runs: Python itself has taken a tenth of a second to get there.
    code = f"""
import os, sys
from mixvllm import __main__
sys.modules["mixvllm.cli.app"] = None
sys.argv = ["mixvllm", "--debug", "serve", "demo"]
try:
    __main__.main()
except ImportError:
    os.kill(os.getpid(), {int(number)})
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_children_end_when_the_server_is_killed(ready: ServerProcess) -> None:
    family = ready.family()

    ready.send(signal.SIGKILL)

    assert ready.process.wait(5) == -signal.SIGKILL
    assert still_running(family, within_s=5) == []


def test_a_child_that_is_stopped_ends_too_when_the_server_is_killed(ready: ServerProcess) -> None:
    [child] = (ready.status() or {})["engine_pids"]
    family = ready.family()
    # Below its group the child has passed the place where it begins to watch.
    ready.wait_until(lambda _: os.getpgid(child) != os.getpgid(ready.process.pid), within_s=10)
    os.kill(child, signal.SIGSTOP)

    ready.send(signal.SIGKILL)

    assert ready.process.wait(5) == -signal.SIGKILL
    assert still_running(family, within_s=5) == []


def test_ctrl_c_on_the_terminal_reaches_the_server_alone(ready: ServerProcess) -> None:
    # A terminal signals the whole process group in front of it.
    [child] = (ready.status() or {})["engine_pids"]

    ready.wait_until(lambda _: os.getpgid(child) != os.getpgid(ready.process.pid), within_s=10)


def test_a_running_server_is_in_the_registry_until_it_ends(ready: ServerProcess) -> None:
    listed = [(server.port, server.phase, server.model) for server in running_servers()]
    assert listed == [(ready.port, "ready", "small")]

    ready.send(signal.SIGTERM)
    ready.process.wait(10)

    assert running_servers() == []


def test_the_routes_of_the_engine_are_answered_over_http(ready: ServerProcess) -> None:
    answer = httpx.post(f"{ready.url}/v1/completions", json={"prompt": "x"})

    assert answer.status_code == 200
    assert answer.json()["body"] == '{"prompt":"x"}'
