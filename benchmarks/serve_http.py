"""What the gateway costs: `mixvllm serve` against vLLM's own server, on a model that costs nothing.

    nox -s bench -- benchmarks/serve_http.py
    python -m benchmarks.serve_http --kind streaming --clients 16 --rounds 31
    python -m benchmarks.serve_http --core-of-its-own

Both servers are up and only one is asked at a time, by turns: whatever else the machine does meets
both alike. The model is one tiny layer of random weights with the demo's tokenizer, so that HTTP,
tokenizing and streaming are what is measured. `--core-of-its-own` gives the processes that answer
HTTP the machine's first core, and the rest of it to engines and clients, as a machine that serves
would have it. All ratios are vLLM's own server over ours or the
other way round such that more than 1 is better for ours; the processor time of the process that
answers HTTP is the figure that other work on the machine disturbs least.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psutil

from benchmarks.serve_start import PATIENCE_S, SCRIPT, free_port, status_of
from mixvllm.models import demo_model

ROUNDS = 15
# vLLM's worker goes on looking for work for a second; the other server gets the processor then.
SETTLED_AFTER_S = 1.5
TOKENS = 32
WHOLE, STREAMING = "whole", "streaming"
# How many requests each of so many clients sends in one round.
REQUESTS = {1: 24, 16: 6, 128: 2}
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 32,
    "max_position_embeddings": 4096,
    "rms_norm_eps": 1e-5,
    "tie_word_embeddings": True,
    "torch_dtype": "float32",
}
OPTIONS = ["--dtype", "float32", "--enforce-eager", "--max-num-seqs", "128"]
THROUGH = ["--load-format", "dummy", "--max-model-len", "2048"]


@dataclass(frozen=True)
class Server:
    """A server that is up.

    Attributes:
        port: Where it listens.
        front: The process that answers HTTP.
    """

    port: int
    front: psutil.Process

    @property
    def cpu_s(self) -> float:
        """The processor time that its HTTP process has used."""
        times = self.front.cpu_times()
        return float(times.user + times.system)


@dataclass(frozen=True)
class Round:
    """One round against one server.

    Attributes:
        per_request_s: Wall time divided by the number of requests.
        first_token_s: The median time to the first token; without a stream, to the answer.
        between_tokens_s: The median time between two tokens; None without a stream.
        cpu_s: Processor time of the HTTP process, per request.
    """

    per_request_s: float
    first_token_s: float
    between_tokens_s: float | None
    cpu_s: float


def make_model(directory: Path) -> Path:
    """A model directory without weights: vLLM makes them up."""
    demo = demo_model.prepare(lambda _: None)
    theirs = json.loads((demo / "config.json").read_text())
    kept = {name: theirs[name] for name in ("vocab_size", "bos_token_id", "eos_token_id")}
    (directory / "config.json").write_text(json.dumps({**CONFIG, **kept}))
    for file in demo.iterdir():
        if "token" in file.name or file.suffix in (".txt", ".jinja"):
            shutil.copy(file, directory)
    return directory


@contextmanager
def running(command: list[str], port: int) -> Iterator[Server]:
    """Start a server, wait until it is ready, and end it."""
    begun = time.monotonic()
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)
    try:
        while status_of(port) != 200:
            if process.poll() is not None or time.monotonic() - begun > PATIENCE_S:
                raise RuntimeError(f"not ready: {shlex.join(command)}")
            time.sleep(0.2)
        yield Server(port, psutil.Process(process.pid))
    finally:
        below = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
        for child in below:
            if child.is_running():
                child.kill()


def commands(model: Path, ours: int, theirs: int) -> tuple[list[str], list[str]]:
    """Both command lines: vLLM's gets the very arguments that we hand to the engine."""
    options = [str(model), "--served-name", "tiny", "--host", "127.0.0.1", *OPTIONS]
    options += ["--cpu-kv-cache-gib", "0.25"]
    show = [SCRIPT, "config", "show", "--vllm-args", "--model", *options, "--port", str(theirs)]
    shown = subprocess.run([*show, "--", *THROUGH], check=True, capture_output=True, text=True)
    vllm = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", *shlex.split(shown.stdout)]
    return [SCRIPT, "serve", *options, "--port", str(ours), "--", *THROUGH], vllm


async def ask(session: aiohttp.ClientSession, server: Server, stream: bool) -> list[float]:
    """Send one request; when each piece of its answer came, in seconds from its start."""
    body = {
        "model": "tiny",
        "messages": [{"role": "user", "content": "Tell me a story about a fox and a river."}],
        "max_tokens": TOKENS,
        "ignore_eos": True,
        "temperature": 0,
        "stream": stream,
    }
    begun = time.perf_counter()
    came: list[float] = []
    url = f"http://127.0.0.1:{server.port}/v1/chat/completions"
    try:
        async with session.post(url, json=body) as answer:
            answer.raise_for_status()
            async for piece in answer.content.iter_any():
                now = time.perf_counter() - begun
                came += [now] * (piece.count(b"data: ") if stream else 1)
    except aiohttp.ClientConnectionError:
        # vLLM's server closes connections that were idle for 5 s: clients send again.
        if came:
            raise
        return await ask(session, server, stream)
    return came


async def load(server: Server, clients: int, requests: int, stream: bool) -> Round:
    """Have so many clients send so many requests each, one after another."""
    await asyncio.sleep(SETTLED_AFTER_S)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def client() -> list[list[float]]:
            return [await ask(session, server, stream) for _ in range(requests)]

        cpu_s, begun = server.cpu_s, time.perf_counter()
        answers = [
            one
            for each in await asyncio.gather(*(client() for _ in range(clients)))
            for one in each
        ]
        wall_s, cpu_s = time.perf_counter() - begun, server.cpu_s - cpu_s
    gaps = [(each[-1] - each[0]) / (len(each) - 1) for each in answers if len(each) > 1]
    return Round(
        per_request_s=wall_s / len(answers),
        first_token_s=statistics.median(each[0] for each in answers),
        # Pieces that came together have no time between them.
        between_tokens_s=(statistics.median(gaps) or None) if stream else None,
        cpu_s=cpu_s / len(answers),
    )


def compare(ours: Server, theirs: Server, clients: int, stream: bool, rounds: int) -> None:
    """Measure one kind of load by turns, and print the ratios."""
    pairs: list[tuple[Round, Round]] = []
    for number in range(rounds + 1):
        order = (ours, theirs) if number % 2 else (theirs, ours)
        done = {
            each.port: asyncio.run(load(each, clients, REQUESTS[clients], stream)) for each in order
        }
        if number:  # the first one warms both up
            pairs.append((done[ours.port], done[theirs.port]))
    figures: dict[str, Callable[[Round], float | None]] = {
        "requests/s": lambda each: each.per_request_s,
        "first token" if stream else "answer": lambda each: each.first_token_s,
        "between tokens": lambda each: each.between_tokens_s,
        "processor time": lambda each: each.cpu_s,
    }
    for name, figure in figures.items():
        values = [(figure(our), figure(their)) for our, their in pairs]
        known = [(our, their) for our, their in values if our is not None and their is not None]
        if len(known) > rounds // 2:
            print(f"{clients:4} clients, {STREAMING if stream else WHOLE:9} {name:15}", end=" ")
            print(_summary(known))


def _summary(pairs: list[tuple[float, float]]) -> str:
    """The median ratio, the middle half of the ratios, and the median of each side."""
    low, middle, high = statistics.quantiles([their / our for our, their in pairs], n=4)
    ours, theirs = (statistics.median(side) * 1000 for side in zip(*pairs, strict=True))
    return f"{middle:5.2f}x ({low:.2f}-{high:.2f}; {ours:.2f} against {theirs:.2f} ms)"


def give_a_core(servers: tuple[Server, ...]) -> None:
    """Keep all but the processes that answer HTTP off the first core, and those on it."""
    first, *others = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, others)
    for server in servers:
        for process in [server.front, *server.front.children(recursive=True)]:
            for thread in process.threads():
                os.sched_setaffinity(thread.id, [first] if process == server.front else others)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kind", action="append", choices=(WHOLE, STREAMING))
    parser.add_argument("--clients", action="append", type=int, choices=REQUESTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--core-of-its-own", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, ExitStack() as servers:
        model = make_model(Path(directory))
        ports = free_port(), free_port()
        our_command, their_command = commands(model, *ports)
        ours = servers.enter_context(running(our_command, ports[0]))
        theirs = servers.enter_context(running(their_command, ports[1]))
        if asked.core_of_its_own:
            give_a_core((ours, theirs))
        print(f"median of {asked.rounds} rounds by turns (middle half; ms of ours against theirs)")
        for kind in asked.kind or (WHOLE, STREAMING):
            for clients in asked.clients or REQUESTS:
                compare(ours, theirs, clients, kind == STREAMING, asked.rounds)


if __name__ == "__main__":
    main()
