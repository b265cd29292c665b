"""SIGTERM and Ctrl-C in every phase, once and twice; `kill -9` of the server; a full disk."""

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path

import httpx
import psutil
import pytest

from mixvllm.server.own_files import remove_leftovers
from tests.faults.clients import LONG_STORY, health, until
from tests.faults.conftest import READY_WITHIN_S, Note
from tests.models.sources.test_hub import FILES, StandInHub
from tests.server.processes import (
    ROOT,
    ServerProcess,
    free_port,
    server_process,
    still_running,
)
from tests.server.test_engine_ends import says, shared_memory_of

pytestmark = [pytest.mark.engine, pytest.mark.faults]


GRACE_S = 2
DEMO = ["demo", "--cpu-kv-cache-gib", "1", "--shutdown-grace-s", str(GRACE_S)]
Start = Callable[..., ServerProcess]
Reach = Callable[[ServerProcess], object]


class SlowHub(StandInHub):
    """A hub whose weights come in drops."""

    def do_GET(self) -> None:
        if not self.path.endswith("model.safetensors"):
            super().do_GET()
            return
        content = FILES["model.safetensors"]
        self.send_response(200)
        self.send_header("ETag", f'"{hash(content)}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        for _ in range(600):
            self.wfile.write(content[:1000])
            time.sleep(0.05)

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def slow_hub() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), SlowHub) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory of temporary files for one server alone, with a path short enough for sockets."""
    directory = Path(tempfile.mkdtemp(prefix="fault-", dir="/tmp"))
    monkeypatch.setenv("TMPDIR", str(directory))
    yield directory
    shutil.rmtree(directory)


@contextmanager
def serving(
    tmp_path: Path, *options: str, environment: dict[str, str] | None = None
) -> Iterator[ServerProcess]:
    command = ["-m", "mixvllm", "serve", *(options or DEMO), "--host", "127.0.0.1"]
    with server_process(command, tmp_path, environment) as server:
        yield server


def importing(server: ServerProcess) -> None:
    server.wait_until(says("importing vLLM"), within_s=READY_WITHIN_S)


def downloading(server: ServerProcess) -> None:
    server.wait_for_phase("downloading", within_s=60)


def loading(server: ServerProcess) -> None:
    server.wait_until(says("engine process is up"), within_s=READY_WITHIN_S)


def ready(server: ServerProcess) -> None:
    server.wait_for_phase("ready", within_s=READY_WITHIN_S)


def restarting(server: ServerProcess) -> None:
    status = server.wait_for_phase("ready", within_s=READY_WITHIN_S)
    os.kill(status["engine_pids"][0], signal.SIGKILL)
    until(lambda: health(server) == 503, within_s=30)


@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
@pytest.mark.parametrize("reach", [importing, downloading, loading, ready, restarting])
def test_a_signal_ends_every_phase_with_0_and_nothing_is_left(
    tmp_path: Path,
    temporary: Path,
    slow_hub: str,
    note: Note,
    request: pytest.FixtureRequest,
    reach: Reach,
    number: signal.Signals,
    times: int,
) -> None:
    hub = {"HF_ENDPOINT": slow_hub, "HF_HOME": str(tmp_path / "hub"), "HF_HUB_DISABLE_XET": "1"}
    downloads = reach is downloading
    options = ["good/model", "--no-preflight"] if downloads else DEMO
    with serving(tmp_path, *options, environment=hub if downloads else None) as server:
        reach(server)
        family, shared = server.family(), shared_memory_of(server.family())
        took_s = end(server, number, times)
        note(request.node.callspec.id, f"exit {server.process.returncode} after {took_s:.2f} s")

        assert server.process.returncode == 0
        assert took_s < (GRACE_S + 5 if times == 1 else 2)
        nothing_is_left(server, family, shared, temporary)


@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_a_signal_ends_open_streams_with_an_error_and_not_as_if_they_were_whole(
    tmp_path: Path,
    temporary: Path,
    note: Note,
    request: pytest.FixtureRequest,
    number: signal.Signals,
    times: int,
) -> None:
    with serving(tmp_path) as server:
        ready(server)
        family, shared = server.family(), shared_memory_of(server.family())
        body = {**LONG_STORY, "stream": True}
        with httpx.stream("POST", f"{server.url}/v1/completions", json=body, timeout=60) as answer:
            lines = answer.iter_lines()
            next(lines)
            server.send(number)
            # Two signals of one kind at once are one.
            server.wait_for_phase("draining", within_s=10)
            if times == 1:
                refused = httpx.post(f"{server.url}/v1/completions", json=LONG_STORY, timeout=30)
                assert (refused.status_code, refused.json()["phase"]) == (503, "draining")
                assert "retry-after" in refused.headers
                rest = "\n".join(lines)
                assert "The server is stopping." in rest
                assert "[DONE]" not in rest
            took_s = end(server, number, times - 1)
        note(f"streaming-{request.node.callspec.id}", f"exit after {took_s:.2f} s more")

        assert server.process.returncode == 0
        assert took_s < (5 if times == 1 else 2)
        nothing_is_left(server, family, shared, temporary)


def end(server: ServerProcess, number: signal.Signals, times: int) -> float:
    """Send the signals and wait for the end; the seconds from the last signal."""
    for count in range(times):
        if count:
            time.sleep(0.2)  # nothing to wait for: a second signal comes when it comes
        server.send(number)
    began = time.monotonic()
    server.process.wait(30)
    return time.monotonic() - began


def nothing_is_left(
    server: ServerProcess, family: list[psutil.Process], shared: set[str], temporary: Path
) -> None:
    """No process, shared memory, temporary file, entry of a server, traceback."""
    assert still_running(family, within_s=10) == []
    until(lambda: not shared.intersection(os.listdir("/dev/shm")), within_s=10)
    assert [path.name for path in temporary.iterdir() if is_ours(path)] == []
    assert list(Path(os.environ["XDG_RUNTIME_DIR"]).rglob("*.json")) == []
    assert "Traceback" not in server.said


def is_ours(path: Path) -> bool:
    """Whether a server or its engine made a temporary file."""
    return bool(re.match(r"mixvllm-|vllm_dist_", path.name))


@pytest.mark.parametrize("stopped", [False, True], ids=["running", "engine-stopped"])
def test_nothing_outlives_a_killed_server_and_the_next_start_removes_its_files(
    tmp_path: Path, temporary: Path, note: Note, stopped: bool
) -> None:
    with serving(tmp_path) as server:
        ready(server)
        family, shared = server.family(), shared_memory_of(server.family())
        pids = (server.status() or {})["engine_pids"]
        for pid in pids if stopped else []:
            os.kill(pid, signal.SIGSTOP)
        # Python's own cleaner too, as where all of a container or a user is killed.
        cleaner = next(each for each in family if "resource_tracker" in str(each.cmdline()))
        cleaner.kill()
        killed_at = time.monotonic()
        server.send(signal.SIGKILL)

        assert still_running(family[1:], within_s=5) == []
        note(f"gateway killed, stopped={stopped}", f"gone {time.monotonic() - killed_at:.2f} s")
        left = [*filter(is_ours, temporary.iterdir()), *shared.intersection(os.listdir("/dev/shm"))]
        note(f"gateway killed, stopped={stopped}", f"left {len(left)} files")
        assert left

        remove_in_a_process_of_its_own(temporary)
        assert [*filter(is_ours, temporary.iterdir())] == []
        assert shared.intersection(os.listdir("/dev/shm")) == set()


def remove_in_a_process_of_its_own(temporary: Path) -> None:
    """What the next `serve` does first; here the place of temporary files is another."""
    code = f"from {remove_leftovers.__module__} import *; remove_leftovers()"
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": f"{ROOT / 'src'}"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_two_servers_at_once_on_one_port_are_one_server_and_one_clear_refusal(
    tmp_path: Path, note: Note
) -> None:
    port = free_port()
    command = [sys.executable, "-m", "mixvllm", "serve", *DEMO, "--host", "127.0.0.1"]
    began = time.monotonic()
    both = [
        subprocess.Popen(
            [*command, "--port", str(port)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    until(lambda: any(each.poll() is not None for each in both), within_s=60)
    [loser] = [each for each in both if each.poll() is not None]
    [winner] = [each for each in both if each.poll() is None]
    note("port race", f"the loser ends after {time.monotonic() - began:.2f} s")
    said = loser.communicate()[1]
    assert loser.returncode == 1
    assert f"Port {port} is already in use by process {winner.pid}" in said
    until(lambda: httpx.get(f"http://127.0.0.1:{port}/live").status_code == 200, within_s=30)
    winner.terminate()
    winner.communicate()
    assert winner.returncode == 0


def test_two_servers_of_one_machine_do_not_disturb_each_other(tmp_path: Path) -> None:
    with serving(tmp_path) as first:
        ready(first)
        with serving(tmp_path) as second:
            ready(second)
            assert health(first) == 200
            second.send(signal.SIGKILL)
            second.process.wait(10)
        with serving(tmp_path) as third:  # it removes what the second one left
            importing(third)
            assert health(first) == 200
            answer = httpx.post(
                f"{first.url}/v1/completions",
                json={"model": "demo", "prompt": "The capital of France is", "max_tokens": 5},
                timeout=60,
            )
            assert answer.status_code == 200


def test_a_disk_that_is_full_while_the_demo_model_is_prepared_is_said_and_leaves_no_half_model(
    tmp_path: Path,
) -> None:
    cache = tmp_path / "cache"

    def small_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing fails instead, as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000_000, 20_000_000))

    command = [sys.executable, "-m", "mixvllm", "serve", *DEMO, "--host", "127.0.0.1"]
    ended = subprocess.run(
        [*command, "--port", str(free_port())],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}", "XDG_CACHE_HOME": str(cache)},
        preexec_fn=small_files,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    last = ended.stderr.strip().splitlines()
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert any(line.startswith("error: ") for line in last), ended.stderr
    assert list(cache.rglob("*.safetensors")) == []
