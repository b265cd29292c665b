"""Slow clients against a real server: sockets that say too little, or listen too little."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn

from mixvllm.server.engine import Receive, Scope, Send
from mixvllm.server.patient_protocol import LARGEST_HEAD_BYTES, patient_protocol

pytestmark = pytest.mark.anyio
REQUEST = b"GET / HTTP/1.1\r\nhost: h\r\n\r\n"
ended: list[str] = []


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers `/` at once, and `/much` with more than any buffer holds."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/much":
        gone = asyncio.create_task(until_gone(receive))
        while not gone.done():
            piece = {"type": "http.response.body", "body": b"x" * 65536, "more_body": True}
            await send(piece)
            await asyncio.sleep(0)
        ended.append("the client is gone")
        return
    await send({"type": "http.response.body", "body": b"hello"})


async def until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@contextlib.asynccontextmanager
async def serving(patience_s: float) -> AsyncIterator[int]:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, http=patient_protocol(lambda: patience_s), lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[sock]))
    while not server.started:
        await asyncio.sleep(0.001)
    yield sock.getsockname()[1]
    server.should_exit = True
    await task


async def answer_to(port: int, *pieces: bytes) -> bytes:
    """All that the server says until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return answer


async def test_a_client_that_never_ends_its_head_is_cut_off() -> None:
    async with serving(0.1) as port:
        assert (await answer_to(port, b"GET / HTTP/1.1\r\nx-a: b")).startswith(b"HTTP/1.1 408")


async def test_a_client_that_says_nothing_is_cut_off() -> None:
    async with serving(0.1) as port:
        assert (await answer_to(port)).startswith(b"HTTP/1.1 408")


async def test_a_second_request_on_a_connection_is_watched_as_well() -> None:
    async with serving(0.1) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST)
        assert (await reader.readuntil(b"0\r\n\r\n")).startswith(b"HTTP/1.1 200")
        writer.write(b"GET /sec")
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()

    assert answer.startswith(b"HTTP/1.1 408")


async def test_a_head_without_end_is_refused_by_its_size() -> None:
    async with serving(60) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\n" + b"x-long: y\r\n" * (LARGEST_HEAD_BYTES // 8))
        answer = await asyncio.wait_for(reader.read(1000), 5)
        writer.close()

    assert answer.startswith(b"HTTP/1.1 431")


async def test_a_client_that_does_not_read_its_answer_is_cut_off() -> None:
    ended.clear()
    async with serving(0.2) as port:
        with socket.create_connection(("127.0.0.1", port)) as sock:
            sock.sendall(REQUEST.replace(b"GET /", b"GET /much"))
            async with asyncio.timeout(10):
                while not ended:
                    await asyncio.sleep(0.01)

    assert ended == ["the client is gone"]
