"""The processor time that the gateway adds to a stream over a real socket.

    nox -s bench -- benchmarks/gateway_socket.py

An app that streams at a steady pace is served twice by uvicorn, alone and behind the gateway, each
in a process of its own on the machine's first core; 64 clients on the other cores ask both by
turns. Unlike `gateway_layer.py`, which runs warm in one loop, each token here wakes a cold chain of
awaits.
"""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from functools import partial

import aiohttp
import psutil
import uvicorn

from benchmarks.gateway_layer import BODY, EVENT
from benchmarks.serve_start import free_port
from mixvllm.server.engine import ASGIApp, Message, Receive, Scope, Send
from mixvllm.server.http_server import HttpServer, http_config, loop_factory
from mixvllm.server.live_settings import LiveSettings
from tests.server.small_engine import running, served

ALONE, BEHIND = "alone", "gateway"
ROUNDS, CLIENTS, REQUESTS = 15, 64, 10
TOKENS = (2, 32, 128)
TOKEN_EVERY_S = 0.002
STARTED_WITHIN_S = 30.0


def app_streaming(tokens: int) -> ASGIApp:
    """An app that streams so many events, one every two milliseconds."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for _ in range(tokens):
            body: Message = {"type": "http.response.body", "body": EVENT, "more_body": True}
            await send(body)
            await asyncio.sleep(TOKEN_EVERY_S)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return app


async def serve(kind: str, port: int, tokens: int) -> None:
    """Serve the app until killed."""
    app, listening = app_streaming(tokens), socket.create_server(("127.0.0.1", port), backlog=512)
    if kind == ALONE:
        plain = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False)
        await HttpServer(plain).serve(sockets=[listening])
        return
    settings = served()
    async with running(settings) as server:
        await server.ready()
        server.supervisor.app = app
        config = http_config(server.gateway, LiveSettings(settings))
        await HttpServer(config).serve(sockets=[listening])


async def load(port: int) -> None:
    """Have every client send its requests, one after another."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def client() -> None:
            url = f"http://127.0.0.1:{port}/v1/chat/completions"
            headers = {"Content-Type": "application/json"}
            for _ in range(REQUESTS):
                async with session.post(url, data=BODY, headers=headers) as answer:
                    answer.raise_for_status()
                    await answer.read()

        await asyncio.gather(*(client() for _ in range(CLIENTS)))


def start(servers: ExitStack, kind: str, tokens: int, core: int) -> tuple[psutil.Process, int]:
    """A server in a process of its own, and its port; it answers when this returns."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.gateway_socket", kind, str(port), str(tokens)]
    process = subprocess.Popen(command, preexec_fn=partial(os.sched_setaffinity, 0, [core]))
    servers.callback(process.wait)
    servers.callback(process.kill)
    deadline = time.monotonic() + STARTED_WITHIN_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return psutil.Process(process.pid), port
        except ConnectionRefusedError:
            time.sleep(0.1)
    raise RuntimeError(f"the server ({kind}) did not start")


def microseconds_a_request(process: psutil.Process, port: int) -> float:
    """Processor time of the server for each request of one round."""
    before = sum(process.cpu_times()[:2])
    asyncio.run(load(port))
    return (sum(process.cpu_times()[:2]) - before) / (CLIENTS * REQUESTS) * 1e6


def main() -> None:
    """Measure and print."""
    first, *others = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, others or [first])
    print(f"processor time of a request, median of {ROUNDS} rounds by turns, {CLIENTS} clients")
    for tokens in TOKENS:
        with ExitStack() as servers:
            sides = [start(servers, kind, tokens, first) for kind in (ALONE, BEHIND)]
            rounds = [[microseconds_a_request(*side) for side in sides] for _ in range(ROUNDS + 1)]
        alone, behind = (statistics.median(side) for side in zip(*rounds[1:], strict=True))
        print(
            f"{tokens:4} tokens: {alone:6.0f} us alone, {behind:6.0f} us behind the gateway: "
            f"{behind - alone:+.0f} us"
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
    else:
        main()
