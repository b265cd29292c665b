"""The processor time that our routes and middleware add to a request and to each streamed token.

    nox -s bench -- benchmarks/gateway_layer.py

An app that answers at once is asked directly and through the gateway, in one process, by turns, and
the processor time is compared: no network and no engine, so a busy machine disturbs it little.
"""

from __future__ import annotations

import asyncio
import statistics
import time

from mixvllm.server.engine import ASGIApp, Message, Receive, Scope, Send
from mixvllm.settings.schema import ServeConfig
from tests.server.small_engine import running, served

ROUNDS = 11
REQUESTS = 300
TOKENS = 256
BODY = b'{"model": "m", "messages": [{"role": "user", "content": "Tell me a story."}]}'
EVENT = b'data: {"choices": [{"index": 0, "delta": {"content": " fox"}}]}\n\n'
SETTINGS: dict[str, ServeConfig] = {
    "as it comes": served(),
    "with a key and defaults": served(
        server={"api_key": "a-long-random-text"},
        generation_defaults={"temperature": 0.3, "max_tokens": 200},
    ),
}


def answering(tokens: int) -> ASGIApp:
    """An app that streams so many events."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for _ in range(tokens):
            await send({"type": "http.response.body", "body": EVENT, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return app


async def processor_time(app: ASGIApp) -> float:
    """Microseconds of processor time for one request."""
    headers = [
        (b"host", b"127.0.0.1:8000"),
        (b"content-type", b"application/json"),
        (b"content-length", str(len(BODY)).encode()),
        (b"authorization", b"Bearer a-long-random-text"),
    ]
    path = "/v1/chat/completions"
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "root_path": ""}

    async def receive() -> Message:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message: Message) -> None:
        pass

    begun = time.process_time()
    for _ in range(REQUESTS):
        await app(dict(scope), receive, send)
    return (time.process_time() - begun) / REQUESTS * 1e6


async def added(settings: ServeConfig, tokens: int) -> float:
    """What the gateway adds to a request with so many tokens, in microseconds."""
    async with running(settings) as server:
        await server.ready()
        bare = server.supervisor.app = answering(tokens)
        rounds = []
        for _ in range(ROUNDS):
            direct = await processor_time(bare)
            rounds.append(await processor_time(server.gateway) - direct)
    return statistics.median(rounds)


def main() -> None:
    """Measure and print."""
    for name, settings in SETTINGS.items():
        request = asyncio.run(added(settings, 0))
        token = (asyncio.run(added(settings, TOKENS)) - request) / TOKENS
        print(f"{name:24} {request:6.1f} us a request, {token:5.2f} us a token")


if __name__ == "__main__":
    main()
