"""The server `status` tells what runs here, as the servers themselves do, and estimates."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from mixvllm.chat.shipped.running import KEY_VARIABLE
from mixvllm.chat.shipped.status import server
from mixvllm.server.http_server import HttpServer, http_config
from mixvllm.server.live_settings import LiveSettings
from mixvllm.settings.schema import ServeConfig
from mixvllm.vllm_internals.facts import EngineFacts
from tests.cli.test_serve import register
from tests.server.small_engine import Running, SmallBuilder, SmallEngine, running, served

pytestmark = pytest.mark.anyio
Ask = Callable[..., Any]
METRICS = """\
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0",model_name="small"} 0.123
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="small"} 2.0
vllm:num_requests_running{engine="1",model_name="small"} 1.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="small"} 0.0
"""


@asynccontextmanager
async def listening(settings: ServeConfig | None = None) -> AsyncIterator[Running]:
    """A gateway with a small engine, on a socket, known to the registry."""
    settings = settings or served()
    engine = SmallEngine(EngineFacts(max_model_len=64, kv_cache_tokens=4096))
    engine.metrics = METRICS
    sock = socket.create_server(("127.0.0.1", 0))
    entry = register(sock.getsockname()[1])
    async with running(settings, SmallBuilder(engine)) as gateway:
        http = HttpServer(http_config(gateway.gateway, LiveSettings(settings)))
        serving = asyncio.create_task(http.serve(sockets=[sock]))
        yield gateway
        http.should_exit = True
        await serving
    entry.remove()


async def test_a_running_server_tells_its_state_its_cache_and_its_requests(ask: Ask) -> None:
    async with listening() as gateway:
        await gateway.ready()
        (told,) = (await ask(server).value("server_status"))["servers"]
    assert told.pop("elapsed_s") >= 0
    assert told.pop("url").startswith("http://127.0.0.1:")
    del told["vllm"]
    assert told == {
        "model": "small",
        "phase": "ready",
        "progress": None,
        "restarts": 0,
        "error": None,
        "kv_cache_tokens": 4096,
        "kv_cache_tokens_predicted": None,
        "kv_cache_used_percent": 12.3,
        "requests_running": 3,
        "requests_waiting": 0,
        "problem": None,
    }


async def test_a_server_that_loads_tells_how_far_it_is(ask: Ask) -> None:
    async with listening() as gateway:
        await gateway.reach(gateway.supervisor.lifecycle.phase.LOADING)
        (told,) = (await ask(server).value("server_status"))["servers"]
    assert (told["phase"], told["progress"], told["kv_cache_tokens"]) == (
        "loading",
        "loading",
        None,
    )
    assert told["requests_running"] is None


async def test_a_key_is_taken_from_the_environment_and_asked_for_where_it_is_missing(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening(served(server={"api_key": "open-sesame"})) as gateway:
        await gateway.ready()
        (told,) = (await ask(server).value("server_status"))["servers"]
        assert (
            told["problem"] == f"it asks for its key: set {KEY_VARIABLE} where the chat is started"
        )
        monkeypatch.setenv(KEY_VARIABLE, "open-sesame")
        (told,) = (await ask(server).value("server_status"))["servers"]
        assert (told["problem"], told["requests_running"]) == (None, 3)


async def test_a_server_that_does_not_answer_is_told_of(ask: Ask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    entry = register(port)
    (told,) = (await ask(server).value("server_status"))["servers"]
    entry.remove()
    assert told["phase"] == "ready"
    assert told["problem"].startswith("it does not answer: ")


async def test_without_servers_the_list_is_empty(ask: Ask) -> None:
    assert await ask(server).value("server_status") == {"servers": []}


async def test_an_estimate_tells_what_fits_on_a_gpu(ask: Ask) -> None:
    told = await ask(server).value(
        "estimate_kv", model="Qwen/Qwen3-8B", gpu="H100", max_model_len=8192, concurrency=64
    )
    assert (told["fits"], told["concurrency_fits"]) == (True, False)
    assert 300_000 < told["kv_cache_tokens"] < 450_000
    assert told["kv_cache_bytes_per_token"] == 2 * 36 * 8 * 128 * 2
    assert told["suggestions"][0].startswith("--")


async def test_without_a_gpu_sizes_alone_are_told(ask: Ask) -> None:
    told = await ask(server).value("estimate_kv", model="demo")
    assert (told["fits"], told["kv_cache_tokens"]) == (None, None)
    assert told["note"] == "no GPU is known: name one to learn what fits"


async def test_an_estimate_that_cannot_be_made_says_why(ask: Ask) -> None:
    message = await ask(server).error("estimate_kv", model="demo", gpu="XYZ")
    assert "The GPU 'XYZ' is not known. Known are for example H100" in message
