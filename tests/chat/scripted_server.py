"""A small OpenAI-shaped server on a real socket that plays scripts, byte by byte.

    with ScriptedServer([says("Hello")]) as server:
        ...  # ask http://127.0.0.1:{server.port}/v1
        assert server.asked[0]["messages"][-1]["content"] == "Hi"

Each chat request gets the next answer of the script; the last one is repeated.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

MODEL = "small"
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 502: "Bad Gateway"}


@dataclass(frozen=True)
class Hold:
    """The server says nothing until it is released, or until the client goes."""

    released: threading.Event = field(default_factory=threading.Event)


class Cut:
    """The server drops the connection."""


Piece = bytes | Hold | Cut


@dataclass(frozen=True)
class Answer:
    """One answer; without a length, so that its end is the end of the connection."""

    pieces: Sequence[Piece]
    status: int = 200
    kind: str = "text/event-stream"
    chunked: bool = True


@dataclass(frozen=True)
class Request:
    """What was asked."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


def document(delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
    """One document of a stream."""
    choice = {"index": 0, "delta": dict(delta), "finish_reason": finish}
    return {"id": "chat-1", "object": "chat.completion.chunk", "choices": [choice]}


def usage(prompt: int = 10, completion: int = 2) -> dict[str, Any]:
    """The document that counts."""
    counts = {"prompt_tokens": prompt, "completion_tokens": completion}
    return {"id": "chat-1", "choices": [], "usage": counts}


def event(data: Any) -> bytes:
    """One event as vLLM writes it."""
    return f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode()


DONE = event("[DONE]")


def streams(*documents: Mapping[str, Any]) -> Answer:
    """A whole answer of these documents."""
    return Answer([*(event(each) for each in documents), DONE])


def says(*pieces: str, finish: str = "stop", tokens: tuple[int, int] = (10, 2)) -> Answer:
    """The model answers with text."""
    role = document({"role": "assistant", "content": ""})
    said = [document({"content": piece}) for piece in pieces]
    return streams(role, *said, document({}, finish), usage(*tokens))


def calls(*asked: tuple[str, str], text: str = "") -> Answer:
    """The model calls tools: pairs of a name and the text of the arguments, in two pieces each."""
    pieces = [document({"content": text})] if text else []
    for index, (name, arguments) in enumerate(asked):
        half = len(arguments) // 2
        head = {"index": index, "id": f"id-{index}", "type": "function"}
        begun = {**head, "function": {"name": name, "arguments": arguments[:half]}}
        rest = {"index": index, "function": {"arguments": arguments[half:]}}
        pieces += [document({"tool_calls": [each]}) for each in (begun, rest)]
    return streams(*pieces, document({}, "tool_calls"), usage())


def refuses(status: int, body: Any) -> Answer:
    """The server refuses; text is sent as it is."""
    content = body if isinstance(body, str) else json.dumps(body)
    kind = "text/html" if isinstance(body, str) else "application/json"
    return Answer([content.encode()], status, kind)


def error(message: str, kind: str = "BadRequestError", code: int = 400, **beside: Any) -> Any:
    """An error in OpenAI's shape."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}, **beside}


def models(*cards: Mapping[str, Any]) -> Answer:
    """What the server lists."""
    return refuses(200, {"object": "list", "data": list(cards)})


def model(name: str = MODEL, length: int | None = 4096, **more: Any) -> dict[str, Any]:
    """One model as vLLM lists it."""
    return {"id": name, "object": "model", "max_model_len": length, "root": name, **more}


class ScriptedServer:
    """Plays a script in a thread of its own, so that plain and asynchronous tests can use it.

    Attributes:
        port: Where it listens, on 127.0.0.1.
        requests: All that was asked, in order.
        asked: The bodies of the chat requests.
        left: Set when a client closed its connection before its answer was whole.
    """

    def __init__(
        self,
        script: Iterable[Answer] = (),
        *,
        listed: Sequence[Answer] | None = None,
        status: Mapping[str, Any] | None = None,
        count: Callable[[Any], int] | None = None,
    ) -> None:
        """Prepare it.

        Args:
            script: The answers to chat requests.
            listed: The answers to `/v1/models`, in order.
            status: What `/status` tells; 404 without it.
            count: What `/tokenize` counts in a body; 404 without it.
        """
        self.requests: list[Request] = []
        self.left = threading.Event()
        self.port = 0
        self._script = list(script)
        self._listed = list(listed or [models(model())])
        self._status = status
        self._count = count

    @property
    def asked(self) -> list[Any]:
        """The bodies of the chat requests."""
        return [each.body for each in self.requests if each.path == "/v1/chat/completions"]

    @property
    def url(self) -> str:
        """Where the OpenAI routes begin."""
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._run(self._start())
        return self

    def __exit__(self, *error: object) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        await _let_callbacks_run()
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await _let_callbacks_run()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await _read(reader)
            if request is not None:
                self.requests.append(request)
                await self._play(self._answer_to(request), reader, writer)
        except ConnectionError:
            self.left.set()
        finally:
            writer.close()

    def _answer_to(self, request: Request) -> Answer:
        match request.path:
            case "/v1/chat/completions":
                return self._script.pop(0) if len(self._script) > 1 else self._script[0]
            case "/v1/models":
                return self._listed.pop(0) if len(self._listed) > 1 else self._listed[0]
            case "/status" if self._status is not None:
                return refuses(200, self._status)
            case "/tokenize" if self._count is not None:
                return refuses(200, {"count": self._count(request.body), "tokens": []})
        return refuses(404, {"detail": "Not Found"})

    async def _play(
        self, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        reason = REASONS.get(answer.status, "Other")
        head = f"HTTP/1.1 {answer.status} {reason}\r\nContent-Type: {answer.kind}\r\n"
        coding = "Transfer-Encoding: chunked\r\n" if answer.chunked else ""
        writer.write(f"{head}{coding}Connection: close\r\n\r\n".encode())
        # Clients say nothing while they are answered: whatever ends this is their going.
        going = asyncio.ensure_future(reader.read())
        for piece in answer.pieces:
            match piece:
                case Hold():
                    if not await _released(piece, going):
                        self.left.set()
                        return
                case Cut():
                    writer.transport.abort()
                    return
                case _:
                    size = f"{len(piece):x}\r\n".encode()
                    writer.write(size + piece + b"\r\n" if answer.chunked else piece)
                    await writer.drain()
        if answer.chunked:
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        going.cancel()


async def _let_callbacks_run() -> None:
    """Connections are taken, begun and closed by callbacks: none may be left half way."""
    for _ in range(20):
        await asyncio.sleep(0)


async def _released(hold: Hold, going: asyncio.Future[bytes]) -> bool:
    """Wait for the release; False when the client goes before."""
    release = asyncio.ensure_future(asyncio.to_thread(hold.released.wait))
    either: set[asyncio.Future[Any]] = {release, going}
    try:
        done, _ = await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        hold.released.set()  # the thread that waits ends too
    return going not in done


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.strip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(method, path, headers, json.loads(body) if body else None)
