"""Settings that are read anew: what is in force at once, what waits, what changes nothing."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from mixvllm.server.live_settings import LiveSettings
from mixvllm.server.reload import LIVE_SERVER_FIELDS, take_over
from mixvllm.settings.fields import all_fields
from tests.server.processes import ServerProcess, server_process
from tests.server.small_engine import served

STREAMS = 50


def test_what_can_change_is_in_force_and_the_rest_is_named() -> None:
    live = LiveSettings(served(vllm={"seed": 1}))
    fresh = served(
        server={"api_key": "a key", "max_body_mib": 1, "port": 9000},
        generation_defaults={"temperature": 0.5},
        inference={"max_model_len": 512},
        vllm={"seed": 2, "swap_space": 1},
    )

    done = take_over(live, fresh)

    assert set(done.applied) == {
        "server.api_key",
        "server.max_body_mib",
        "generation_defaults.temperature",
    }
    waiting = {"server.port", "inference.max_model_len", "vllm.seed", "vllm.swap_space"}
    assert set(done.needs_restart) == waiting
    assert live.current.server.max_body_mib == 1
    assert live.current.generation_defaults.temperature == 0.5
    assert live.current.server.port == 8000
    assert live.current.vllm == {"seed": 1}


def test_a_default_that_vllm_was_started_with_cannot_be_taken_back() -> None:
    live = LiveSettings(served(generation_defaults={"temperature": 0.3, "max_tokens": 9}))

    done = take_over(live, served())

    assert done.applied == ("generation_defaults.max_tokens",)
    assert done.needs_restart == ("generation_defaults.temperature",)
    assert live.current.generation_defaults.temperature == 0.3


def test_a_default_that_came_with_a_reload_can_be_taken_back() -> None:
    live = LiveSettings(served())
    take_over(live, served(generation_defaults={"temperature": 0.3}))

    done = take_over(live, served())

    assert done.applied == ("generation_defaults.temperature",)
    assert live.current.generation_defaults.temperature is None


def test_every_field_that_a_reload_changes_exists() -> None:
    keys = {field.key for field in all_fields()}

    assert keys >= {f"server.{name}" for name in LIVE_SERVER_FIELDS}


def write(file: Path, **sections: Any) -> None:
    file.write_text(json.dumps(sections))


async def words_of(server: ServerProcess, count: int) -> int:
    """How many pieces of one long stream come, read slowly."""
    seen = 0
    async with (
        httpx.AsyncClient(timeout=30) as client,
        client.stream("GET", f"{server.url}/v1/stream", headers={"x-api-key": "k"}) as stream,
    ):
        assert stream.status_code == 200
        async for _ in stream.aiter_lines():
            seen += 1
            if seen == count:
                break
    return seen


@pytest.mark.anyio
async def test_a_reload_under_load_fails_no_request(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    write(file)
    command = ["-m", "tests.server.small_server", "--settings", str(file)]
    with server_process(command, tmp_path) as server:
        await asyncio.to_thread(server.wait_for_phase, "ready", within_s=30)
        streams = [asyncio.create_task(words_of(server, 100)) for _ in range(STREAMS)]
        await asyncio.sleep(0.2)
        write(file, server={"api_key": "k"}, generation_defaults={"temperature": 0.5})
        server.send(signal.SIGHUP)
        async with httpx.AsyncClient(base_url=server.url) as client:
            async with asyncio.timeout(10):
                while (await client.get("/v1/models")).status_code != 401:
                    await asyncio.sleep(0.01)
            answer = await client.post("/v1/completions", json={}, headers={"x-api-key": "k"})
            write(file, server={"port": 1})
            server.send(signal.SIGHUP)
            assert await asyncio.gather(*streams) == [100] * STREAMS
            still = await client.post("/v1/completions", json={}, headers={"x-api-key": "k"})

        assert json.loads(answer.json()["body"]) == {"temperature": 0.5}
        assert still.status_code == 200
        assert server.process.poll() is None
        assert "generation_defaults.temperature" in server.said
