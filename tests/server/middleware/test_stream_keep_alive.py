import pytest

from tests.server.small_engine import running, served

pytestmark = pytest.mark.anyio
COMMENT = ": keep-alive"


async def test_a_silent_stream_gets_comments_between_its_events() -> None:
    async with running(served(server={"sse_keep_alive_s": 0.02})) as server:
        await server.ready()
        answer = await server.client.get("/v1/silent")

    events = [event for event in answer.text.split("\n\n") if event]
    assert events[0] == "data: first"
    assert events[-1] == "data: last"
    assert COMMENT in events
    assert set(events) == {"data: first", COMMENT, "data: last"}


async def test_without_an_interval_a_stream_stays_as_it_is() -> None:
    async with running(served(server={"sse_keep_alive_s": 0})) as server:
        await server.ready()
        answer = await server.client.get("/v1/silent")

    assert answer.text == "data: first\n\ndata: last\n\n"
