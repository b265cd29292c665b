"""Time to the first HTTP answer and to ready of `mixvllm serve demo`, against vLLM's own server.

    nox -s bench -- benchmarks/serve_start.py

vLLM's server gets the very arguments that `mixvllm serve` hands to the engine (`config show
--vllm-args`). The two run one after another, never at once, and swap places each round.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import psutil

ROUNDS = 3
PATIENCE_S = 300
SCRIPT = str(Path(sys.executable).with_name("mixvllm"))


@dataclass(frozen=True)
class Start:
    """One start, in seconds from the command.

    Attributes:
        first_answer_s: Until any HTTP answer came.
        ready_s: Until `/health` said 200.
        processor_s: Processor time of all its processes until then, which other work on the
            machine disturbs less.
    """

    first_answer_s: float
    ready_s: float
    processor_s: float


def processor_time(pid: int) -> float:
    """What a process and everything below it have used, in seconds."""
    owner = psutil.Process(pid)
    times = [process.cpu_times() for process in (owner, *owner.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


def status_of(port: int) -> int | None:
    """The status of `/health`, or None where nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as answer:
        return answer.code
    except OSError:
        return None


def measure(command: list[str], port: int) -> Start:
    """Start a server, wait until it is ready, and end it."""
    begun = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            first_answer = None
            while time.perf_counter() - begun < PATIENCE_S and process.poll() is None:
                status = status_of(port)
                now = time.perf_counter() - begun
                if status is not None:
                    first_answer = first_answer or now
                if status == 200 and first_answer:
                    return Start(first_answer, now, processor_time(process.pid))
                time.sleep(0.02)
            raise RuntimeError(f"not ready: {shlex.join(command)}")
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def commands(port: int) -> dict[str, list[str]]:
    """Both servers' command lines for a port."""
    options = ["demo", "--host", "127.0.0.1", "--port", str(port)]
    show = [SCRIPT, "config", "show", "--vllm-args", "--model", *options]
    arguments = subprocess.run(show, check=True, capture_output=True, text=True).stdout
    vllm = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", *shlex.split(arguments)]
    return {"mixvllm serve": [SCRIPT, "serve", *options], "vLLM's own server": vllm}


def main() -> None:
    """Measure and print."""
    # The first start prepares the demo model and fills the page cache; it does not count.
    port = free_port()
    measure(commands(port)["mixvllm serve"], port)
    measured: dict[str, list[Start]] = {}
    for number in range(ROUNDS):
        port = free_port()
        pair = list(commands(port).items())
        for name, command in pair if number % 2 == 0 else reversed(pair):
            measured.setdefault(name, []).append(measure(command, port))
    ours, theirs = measured["mixvllm serve"], measured["vLLM's own server"]
    print(f"median of {ROUNDS} paired rounds, and the pairs")
    for what in ("first_answer_s", "ready_s", "processor_s"):
        our, their = ([getattr(start, what) for start in starts] for starts in (ours, theirs))
        ratio = statistics.median(our) / statistics.median(their)
        pairs = ", ".join(f"{a:.1f} / {b:.1f}" for a, b in zip(our, their, strict=True))
        print(f"{what:15} {statistics.median(our):6.1f} s against", end=" ")
        print(f"{statistics.median(their):6.1f} s: {ratio:.2f}x   ({pairs})")


if __name__ == "__main__":
    main()
