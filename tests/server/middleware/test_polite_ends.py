import asyncio
import json

import httpx
import pytest

from tests.server.small_engine import Running, running, served

pytestmark = pytest.mark.anyio
MESSAGE = "The engine died and is being started again. Send the request again in a moment."


async def broken_off(server: Running, path: str) -> httpx.Response:
    """The answer to a request during which the engine dies."""
    await server.ready()
    method = "POST" if path == "/v1/slow" else "GET"
    asking = asyncio.create_task(server.client.request(method, path))
    async with asyncio.timeout(5):
        while not server.supervisor.requests.count:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.03)
        server.builder.engine.die()
        return await asking


def events(answer: httpx.Response) -> list[str]:
    return [event for event in answer.text.split("\n\n") if event]


async def test_a_stream_ends_with_an_error_and_without_a_false_done() -> None:
    async with running() as server:
        answer = await broken_off(server, "/v1/events/completions")

    *words, last = events(answer)
    assert set(words) == {'data: {"word": 1}'}
    error = json.loads(last.removeprefix("data: "))["error"]
    expected = {"message": MESSAGE, "type": "engine_restarting", "param": None, "code": 503}
    assert error == expected


async def test_a_stream_of_responses_ends_with_an_error_event_in_their_dialect() -> None:
    async with running() as server:
        answer = await broken_off(server, "/v1/events/responses")

    *words, last = events(answer)
    name, data = last.split("\n")
    assert name == "event: error"
    told = json.loads(data.removeprefix("data: "))
    assert told["type"] == "error"
    assert told["message"] == MESSAGE
    assert told["sequence_number"] == len(words)


async def test_a_stream_of_messages_ends_as_anthropic_says_it() -> None:
    async with running() as server:
        answer = await broken_off(server, "/v1/events/messages")

    name, data = events(answer)[-1].split("\n")
    assert name == "event: error"
    told = {"type": "overloaded_error", "message": MESSAGE}
    assert json.loads(data.removeprefix("data: ")) == {"type": "error", "error": told}


async def test_an_answer_in_one_piece_is_a_503_that_may_be_tried_again() -> None:
    async with running() as server:
        answer = await broken_off(server, "/v1/slow")

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert answer.json()["error"]["type"] == "engine_restarting"


async def test_where_no_restart_comes_the_stream_says_that_the_server_stops() -> None:
    async with running(served(server={"max_restarts": 0})) as server:
        answer = await broken_off(server, "/v1/events/chat")

    assert json.loads(events(answer)[-1].removeprefix("data: "))["error"]["type"] == "engine_failed"


async def test_a_stream_that_outlives_the_grace_is_told_that_the_server_stops() -> None:
    async with running(served(server={"shutdown_grace_s": 0.05})) as server:
        await server.ready()
        asking = asyncio.create_task(server.client.get("/v1/events/completions"))
        async with asyncio.timeout(5):
            while not server.supervisor.requests.count:
                await asyncio.sleep(0.001)
        server.supervisor.stop()
        answer = await asyncio.wait_for(asking, 5)

    last = json.loads(events(answer)[-1].removeprefix("data: "))["error"]
    assert (last["type"], last["message"]) == ("server_stopping", "The server is stopping.")
