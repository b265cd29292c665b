import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.server.small_engine import running, served

pytestmark = pytest.mark.anyio
SMALL = served(server={"max_body_mib": 0.001})


async def test_a_body_that_is_too_large_is_refused_by_its_told_length() -> None:
    async with running(SMALL) as server:
        await server.ready()
        answer = await server.client.post("/v1/completions", content=b"x" * 1100)

    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"
    assert answer.json()["error"]["message"] == "The request is larger than 0.001 MiB."


async def test_a_body_of_untold_length_is_refused_when_it_has_become_too_large() -> None:
    pieces = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal pieces
        while pieces < 1000:
            pieces += 1
            yield b"x" * 100

    async with running(SMALL) as server:
        await server.ready()
        answer = await server.client.post("/v1/completions", content=endless())

    assert answer.status_code == 413


async def test_a_body_of_just_the_allowed_size_comes_whole() -> None:
    async with running(SMALL) as server:
        await server.ready()
        answer = await server.client.post("/v1/completions", content=b"x" * 1048)

    assert len(answer.json()["body"]) == 1048


async def test_a_client_that_stops_in_its_body_is_told_so() -> None:
    async def stops() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(10)

    async with running(served(server={"client_timeout_s": 0.05})) as server:
        await server.ready()
        answer = await server.client.post("/v1/completions", content=stops())

    assert answer.status_code == 408
    assert server.supervisor.requests.count == 0
