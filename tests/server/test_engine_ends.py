"""How a server with the real engine ends, in every phase and for every reason."""

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.server.processes import ServerProcess, server_process, still_running

pytestmark = pytest.mark.engine

Start = Callable[..., AbstractContextManager[ServerProcess]]
LOADED_WITHIN_S = 300


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Starts `mixvllm serve demo`."""

    def start(*options: str) -> AbstractContextManager[ServerProcess]:
        command = ["-m", "mixvllm", "serve", "demo", "--host", "127.0.0.1", *options]
        return server_process(command, tmp_path)

    return start


def says(detail: str) -> Callable[[dict[str, Any]], bool]:
    """Whether the progress has come to a step."""
    return lambda status: detail in ((status["progress"] or {}).get("detail") or "")


@pytest.mark.parametrize(
    ("step", "number"),
    [("importing vLLM", signal.SIGINT), ("engine process is up", signal.SIGTERM)],
)
def test_a_signal_while_loading_ends_with_0_and_nothing_is_left(
    start: Start, tmp_path: Path, step: str, number: signal.Signals
) -> None:
    config = tmp_path / "mixvllm.yaml"
    config.write_text("server:\n  max_body_mib: 32\n")
    with start("--config", str(config)) as server:
        server.wait_until(says(step), within_s=LOADED_WITHIN_S)
        family = server.family()
        config.write_text("server:\n  max_body_mb: 1\n")
        server.send(signal.SIGHUP)
        server.wait_until(lambda _: "Not reloaded" in server.said, within_s=30)
        config.write_text("server:\n  max_body_mib: 1\n  port: 9000\n")
        server.send(signal.SIGHUP)
        server.wait_until(lambda _: "Reloaded" in server.said, within_s=30)
        server.send(number)

        assert server.process.wait(20) == 0
        assert still_running(family, within_s=10) == []
        assert "Traceback" not in server.said
        assert "mixvllm.yaml:2:3: server.max_body_mb" in server.said
        assert "Reloaded: server.max_body_mib" in server.said


def test_mixvllm_stop_ends_a_ready_server_with_0_and_nothing_is_left(start: Start) -> None:
    from mixvllm.cli.app import run

    with start() as server:
        server.wait_for_phase("ready", within_s=LOADED_WITHIN_S)
        family = server.family()
        shared_memory = shared_memory_of(family)
        assert len(family) >= 3
        assert shared_memory

        assert run(["stop", str(server.port)]) == 0

        assert server.process.wait(1) == 0
        assert still_running(family, within_s=10) == []
        assert not shared_memory.intersection(os.listdir("/dev/shm"))


def shared_memory_of(family: list[psutil.Process]) -> set[str]:
    """The names of the shared memory that the processes use."""
    names = set()
    for process in family:
        with suppress(psutil.NoSuchProcess):  # an engine that was killed is going
            paths = [Path(area.path) for area in process.memory_maps()]
            names |= {path.name for path in paths if path.parent == Path("/dev/shm")}
    return names


def test_a_dead_engine_is_replaced_until_no_restart_is_left(start: Start) -> None:
    with start("--max-restarts", "1") as server, ThreadPoolExecutor() as clients:
        status = server.wait_for_phase("ready", within_s=LOADED_WITHIN_S)
        gateway = server.process.pid
        answers = [clients.submit(stream_of, server, path) for path in LONG_REQUESTS]
        server.wait_until(lambda _: running_requests(server) == len(answers), within_s=60)
        os.kill(status["engine_pids"][0], signal.SIGKILL)

        ends = {path: done.result(30) for path, done in zip(LONG_REQUESTS, answers, strict=True)}
        for path, end in ends.items():
            assert "The engine died and is being started again." in end, path
            assert "[DONE]" not in end, path
        assert httpx.get(f"{server.url}/health").status_code == 503

        status = server.wait_for_phase("ready", within_s=LOADED_WITHIN_S)
        assert (server.process.pid, status["restarts"]) == (gateway, 1)
        answer = httpx.post(f"{server.url}/v1/completions", json=CAPITAL, timeout=60)
        assert "Paris" in answer.json()["choices"][0]["text"]
        counted = 'http_requests_total{handler="/v1/completions",method="POST",status="2xx"} 1.0'
        assert counted in httpx.get(f"{server.url}/metrics").text

        family = server.family()
        worker = status["engine_pids"][-1]
        os.kill(worker, signal.SIGKILL)

        assert server.process.wait(30) == 1
        assert still_running(family, within_s=10) == []
        assert "restarted once within 10 minutes, and failed again. The engine died" in server.said


LONG_REQUESTS = {
    "/v1/completions": {"prompt": "Once", "max_tokens": 3000, "ignore_eos": True},
    "/v1/chat/completions": {
        "messages": [{"role": "user", "content": "Tell a long story."}],
        "max_tokens": 3000,
        "ignore_eos": True,
    },
}
CAPITAL = {
    "model": "demo",
    "prompt": "The capital of France is",
    "max_tokens": 5,
    "temperature": 0,
}


def stream_of(server: ServerProcess, path: str) -> str:
    """All that a client gets of a stream that would go on for long."""
    body = {"model": "demo", "stream": True, **LONG_REQUESTS[path]}
    with httpx.stream("POST", f"{server.url}{path}", json=body, timeout=120) as answer:
        return "".join(answer.iter_text())


def running_requests(server: ServerProcess) -> float:
    """How many requests the engine is answering, as its metrics say."""
    lines = httpx.get(f"{server.url}/metrics", timeout=30).text.splitlines()
    running = [line for line in lines if line.startswith("vllm:num_requests_running")]
    return sum(float(line.rpartition(" ")[2]) for line in running)


def test_a_model_that_does_not_fit_ends_with_1_the_cause_the_ways_out_and_the_log(
    start: Start,
) -> None:
    with start("--cpu-kv-cache-gib", "0.05", "--no-preflight") as server:
        assert server.process.wait(LOADED_WITHIN_S) == 1

        *_, cause, ways, log, more = [line for line in server.said.splitlines() if line.strip()]
        assert more.strip() == "More: mixvllm explain kv-cache-too-small"
        assert cause.startswith("error: vLLM could not load the model: one request of 4,096 tokens")
        assert "takes 0.18 GiB of KV cache, and vLLM has 0.04 GiB left for it." in cause
        assert "Ways out: `--max-model-len " in ways
        assert "`--cpu-kv-cache-gib 0.19` or more" in ways
        path = Path(log.partition(": ")[2])
        assert "Traceback" in path.read_text()


def test_an_argument_that_vllm_refuses_is_said_in_its_words(start: Start) -> None:
    with start(
        "--no-preflight", "--", "--tool-call-parser", "no-such", "--enable-auto-tool-choice"
    ) as server:
        assert server.process.wait(LOADED_WITHIN_S) == 1

        assert "vLLM does not take these settings: invalid tool call parser: no-such" in server.said
        assert "Traceback" not in server.said
