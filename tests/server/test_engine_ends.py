"""How a server with the real engine ends, in every phase and for every reason."""

import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

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
    start: Start, step: str, number: signal.Signals
) -> None:
    with start() as server:
        server.wait_until(says(step), within_s=LOADED_WITHIN_S)
        family = server.family()
        server.send(number)

        assert server.process.wait(20) == 0
        assert still_running(family, within_s=10) == []
        assert "Traceback" not in server.said


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
    paths = (Path(area.path) for process in family for area in process.memory_maps())
    return {path.name for path in paths if path.parent == Path("/dev/shm")}


def test_the_death_of_the_engine_ends_the_server_with_1_and_the_cause_last(start: Start) -> None:
    with start() as server:
        status = server.wait_for_phase("ready", within_s=LOADED_WITHIN_S)
        family = server.family()
        os.kill(status["engine_pids"][0], signal.SIGKILL)

        assert server.process.wait(30) == 1
        assert still_running(family, within_s=10) == []
        assert "The engine died: EngineCore" in server.said
        assert "SIGKILL" in server.said


def test_a_model_that_does_not_fit_ends_with_1_the_cause_and_the_log(start: Start) -> None:
    with start("--cpu-kv-cache-gib", "0.05") as server:
        assert server.process.wait(LOADED_WITHIN_S) == 1

        *_, cause, log = [line for line in server.said.splitlines() if line.strip()]
        assert cause.startswith("error: vLLM could not load the model: To serve at least one")
        assert "KV cache is needed" in cause
        assert len(cause) < 400
        path = Path(log.partition(": ")[2])
        assert "Traceback" in path.read_text()


def test_an_argument_that_vllm_refuses_is_said_in_its_words(start: Start) -> None:
    with start("--", "--tool-call-parser", "no-such", "--enable-auto-tool-choice") as server:
        assert server.process.wait(LOADED_WITHIN_S) == 1

        assert "vLLM does not take these settings: invalid tool call parser: no-such" in server.said
        assert "Traceback" not in server.said
