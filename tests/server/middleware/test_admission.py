import asyncio

import httpx
import pytest

from tests.server.small_engine import Running, running, served

pytestmark = pytest.mark.anyio
ONE_AT_A_TIME = served(server={"max_concurrent_requests": 1, "max_queued_requests": 1})


async def begin(server: Running, number: int) -> asyncio.Task[httpx.Response]:
    """Send a request that the engine holds; return when the server has it."""
    asking = asyncio.create_task(server.client.post("/v1/slow", json={"number": number}))
    async with asyncio.timeout(5):
        while server.supervisor.requests.count < number:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)
    return asking


async def test_a_request_for_which_there_is_no_room_is_told_to_come_again() -> None:
    async with running(ONE_AT_A_TIME) as server:
        await server.ready()
        first, second = await begin(server, 1), await begin(server, 2)
        refused = await server.client.post("/v1/completions", json={})

        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "2"
        assert refused.json()["error"]["type"] == "rate_limit_error"
        assert (await server.client.get("/v1/models")).status_code != 429
        server.builder.engine.finish()
        assert [(await each).status_code for each in (first, second)] == [200, 200]
        assert (await server.client.post("/v1/completions", json={})).status_code == 200


async def test_those_who_wait_are_answered_in_the_order_in_which_they_came() -> None:
    settings = served(server={"max_concurrent_requests": 1, "max_queued_requests": 10})
    async with running(settings) as server:
        await server.ready()
        asking = [await begin(server, number) for number in range(1, 6)]
        assert server.builder.engine.seen == [1]
        server.builder.engine.finish()
        await asyncio.gather(*asking)

        assert server.builder.engine.seen == [1, 2, 3, 4, 5]


async def test_who_goes_away_while_waiting_holds_no_place() -> None:
    async with running(ONE_AT_A_TIME) as server:
        await server.ready()
        first, second = await begin(server, 1), await begin(server, 2)
        second.cancel()
        async with asyncio.timeout(5):
            while server.supervisor.requests.count > 1:
                await asyncio.sleep(0.001)
        third = await begin(server, 2)
        server.builder.engine.finish()

        assert (await third).status_code == 200
        assert (await first).status_code == 200
        assert server.builder.engine.seen == [1, 2]
