import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from mixvllm.server.engine import Message, Receive, Scope, Send
from mixvllm.server.live_settings import LiveSettings
from mixvllm.server.middleware.generation_defaults import GenerationDefaults
from tests.server.small_engine import running, served

pytestmark = pytest.mark.anyio

SAMPLING = {
    "temperature": 0.3,
    "top_p": 0.9,
    "top_k": 40,
    "presence_penalty": 0.5,
    "frequency_penalty": 0.25,
}
DEFAULTS = {**SAMPLING, "max_tokens": 13}
LENGTH_NAME = {
    "/v1/completions": "max_tokens",
    "/v1/chat/completions": "max_completion_tokens",
    "/v1/responses": "max_output_tokens",
}
TOP_K = LiveSettings(served(generation_defaults={"top_k": 1}))
ROUTES = pytest.mark.parametrize("path", LENGTH_NAME)


async def seen_by_engine(path: str, content: bytes | AsyncIterator[bytes]) -> dict[str, Any]:
    """What the engine gets of a request."""
    async with running(served(generation_defaults=DEFAULTS)) as server:
        await server.ready()
        answer = await server.client.post(path, content=content)
        seen: dict[str, Any] = answer.json()
        return seen


async def body_seen(path: str, request: dict[str, Any]) -> dict[str, Any]:
    seen = await seen_by_engine(path, json.dumps(request).encode())
    body: dict[str, Any] = json.loads(seen["body"])
    return body


@ROUTES
async def test_what_a_request_leaves_out_is_filled_in(path: str) -> None:
    body = await body_seen(path, {"model": "small", "stream": True})

    assert body == {"model": "small", "stream": True, **SAMPLING, LENGTH_NAME[path]: 13}


@ROUTES
async def test_null_counts_as_left_out(path: str) -> None:
    body = await body_seen(path, {"temperature": None, LENGTH_NAME[path]: None})

    assert body == {**SAMPLING, LENGTH_NAME[path]: 13}


@ROUTES
async def test_a_value_of_the_request_wins_zero_included(path: str) -> None:
    own = {"temperature": 0, "presence_penalty": 0, "top_k": 0, LENGTH_NAME[path]: 500}

    body = await body_seen(path, own)

    assert {name: body[name] for name in own} == own
    assert body["frequency_penalty"] == 0.25


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
async def test_a_chat_request_may_name_its_length_either_way(name: str) -> None:
    body = await body_seen("/v1/chat/completions", {name: 7})

    assert {k: v for k, v in body.items() if k.startswith("max")} == {name: 7}


async def test_a_default_longer_than_the_context_is_cut_to_it() -> None:
    async with running(served(generation_defaults={"max_tokens": 100_000})) as server:
        await server.ready()
        answer = await server.client.post("/v1/completions", json={})

    assert json.loads(answer.json()["body"]) == {"max_tokens": 64}


async def test_other_routes_get_the_request_as_it_was() -> None:
    seen = await seen_by_engine("/invocations", b'{"a":  1}')

    assert seen["body"] == '{"a":  1}'


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"null", b"\xff\xfe", b"[" * 100_000])
async def test_what_is_no_json_object_is_left_to_the_engine(content: bytes) -> None:
    async with running(served(generation_defaults=DEFAULTS)) as server:
        await server.ready()
        original = server.builder.engine
        received: list[bytes] = []
        app = await record_bodies(received)
        server.supervisor.app = app
        await server.client.post("/v1/completions", content=content)

    assert original is server.builder.engine
    assert received == [content]


async def record_bodies(received: list[bytes]) -> Any:
    """An app that keeps the body of each request as it comes."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        received.append(body)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return app


async def test_a_body_in_several_chunks_is_completed_and_its_length_is_right() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for piece in (b'{"prompt"', b': "h\xc3', b'\xa9"', b"}"):
            yield piece

    seen = await seen_by_engine("/v1/completions", chunks())

    assert json.loads(seen["body"])["prompt"] == "hé"
    assert int(seen["content_length"]) == len(seen["body"].encode())


async def test_the_client_going_away_reaches_the_engine() -> None:
    incoming: list[Message] = [
        {"type": "http.request", "body": b"{}", "more_body": False},
        {"type": "http.disconnect"},
    ]
    types: list[str] = []

    async def receive() -> Message:
        return incoming.pop(0)

    async def send(message: Message) -> None:
        raise AssertionError("nothing is answered here")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        types.extend([(await receive())["type"], (await receive())["type"]])

    middleware = GenerationDefaults(app, TOP_K, lambda: None)
    scope = {"type": "http", "method": "POST", "path": "/v1/completions", "headers": []}
    await middleware(scope, receive, send)

    assert types == ["http.request", "http.disconnect"]


async def test_a_client_going_away_in_its_body_is_passed_on_as_it_was() -> None:
    incoming: list[Message] = [
        {"type": "http.request", "body": b'{"a', "more_body": True},
        {"type": "http.disconnect"},
    ]
    seen: list[Message] = []

    async def receive() -> Message:
        return incoming.pop(0)

    async def send(message: Message) -> None:
        raise AssertionError("nothing is answered here")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.extend([await receive(), await receive()])

    middleware = GenerationDefaults(app, TOP_K, lambda: None)
    scope = {"type": "http", "method": "POST", "path": "/v1/completions", "headers": []}
    await middleware(scope, receive, send)

    assert [message["type"] for message in seen] == ["http.request", "http.disconnect"]
