"""Requests in flight are counted, and ended."""

from __future__ import annotations

import asyncio

import pytest

from mixvllm.server.requests_in_flight import RequestsInFlight

pytestmark = pytest.mark.anyio


async def test_a_request_that_reaches_the_engine_after_the_others_were_ended_is_ended_too() -> None:
    requests = RequestsInFlight()
    ended, calls = asyncio.Event(), 0

    async def answer() -> None:
        with requests.one():
            await ended.wait()

    def end() -> None:
        nonlocal calls
        calls += 1
        if calls == 2:  # the engine did not have it yet the first time
            ended.set()

    answering = asyncio.create_task(answer())
    await asyncio.sleep(0)
    await requests.end_all(end)

    assert (calls, requests.count) == (2, 0)
    await answering


async def test_a_request_that_cannot_be_ended_does_not_hold_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mixvllm.server.requests_in_flight.LAST_WORDS_S", 0.25)
    requests = RequestsInFlight()

    with requests.one():
        async with asyncio.timeout(5):
            await requests.end_all(lambda: None)

        assert requests.count == 1
