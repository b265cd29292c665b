"""What `/metrics` shows in every phase: the engine's own, and ours behind it."""

import asyncio

import pytest

from mixvllm.server.lifecycle import Phase
from mixvllm.server.prediction import Prediction
from mixvllm.vllm_internals.facts import EngineFacts
from tests.server.metrics.exposition import scrape
from tests.server.small_engine import SmallBuilder, SmallEngine, running, served

pytestmark = pytest.mark.anyio
COUNTED = "mixvllm_http_requests_total"


async def test_before_the_engine_they_are_ours_alone() -> None:
    async with running() as server:
        await server.reach(Phase.LOADING)
        read = await scrape(server.client)

    assert read.value("mixvllm_server_phase", phase="loading") == 1
    assert read.value("mixvllm_server_phase", phase="ready") == 0
    assert read.value("mixvllm_engine_restarts_total") == 0
    assert read.value("mixvllm_engine_load_seconds") is None
    assert {name.partition("_")[0] for name in read.names} == {"mixvllm"}


async def test_when_ready_the_engines_stand_first_and_unchanged() -> None:
    async with running() as server:
        await server.ready()
        read = await scrape(server.client)

    assert read.text.startswith("# TYPE engine_metric gauge\nengine_metric 1\n# HELP mixvllm_")
    assert read.value("mixvllm_server_phase", phase="ready") == 1
    assert (read.value("mixvllm_engine_load_seconds") or 0) > 0


async def test_every_metric_of_ours_is_described() -> None:
    async with running() as server:
        await server.ready()
        read = await scrape(server.client)

    for family in read.families:
        if family.name.startswith("mixvllm_"):
            assert family.documentation.endswith((".", "1."))
            assert family.type != "unknown"


async def test_the_kv_cache_is_shown_as_predicted_and_as_reported() -> None:
    builder = SmallBuilder(
        SmallEngine(EngineFacts(kv_cache_tokens=23_296)), prediction=Prediction(23_040)
    )
    async with running(builder=builder) as server:
        before = await scrape(server.client)
        await server.ready()
        after = await scrape(server.client)

    assert before.labels_of("mixvllm_kv_cache_tokens") == [{"kind": "predicted"}]
    assert after.value("mixvllm_kv_cache_tokens", kind="predicted") == 23_040
    assert after.value("mixvllm_kv_cache_tokens", kind="actual") == 23_296


async def test_requests_are_counted_by_route_and_status_and_unknown_paths_are_one() -> None:
    async with running() as server:
        await server.client.post("/v1/completions", json={})
        await server.ready()
        await server.client.post("/v1/completions", json={})
        for path in ("/no", "/such", "/routes"):
            await server.client.get(path)
        read = await scrape(server.client)

    assert read.value(COUNTED, route="/v1/completions", status="503") == 1
    assert read.value(COUNTED, route="/v1/completions", status="200") == 1
    assert read.value(COUNTED, route="other", status="404") == 3
    buckets = read.labels_of("mixvllm_http_request_duration_seconds_bucket")
    assert {labels["route"] for labels in buckets} == {"/v1/completions", "other"}
    name = "mixvllm_http_request_duration_seconds"
    assert read.value(f"{name}_count", route="/v1/completions") == 2
    assert read.value(f"{name}_bucket", route="/v1/completions", le="+Inf") == 2


async def test_a_refusal_without_the_key_is_counted() -> None:
    async with running(served(server={"api_key": "hush"})) as server:
        await server.client.post("/v1/completions", json={})
        answer = await server.client.get("/metrics", headers={"x-api-key": "hush"})

    assert f'{COUNTED}{{route="/v1/completions",status="401"}} 1' in answer.text


async def test_requests_at_work_and_in_the_queue_are_told_apart() -> None:
    settings = served(server={"max_concurrent_requests": 1})
    async with running(settings) as server:
        await server.ready()
        asking = [
            asyncio.create_task(server.client.post("/v1/slow", json={"number": number}))
            for number in range(3)
        ]
        async with asyncio.timeout(5):
            while server.supervisor.requests.count < 3:
                await asyncio.sleep(0.001)
            while (read := await scrape(server.client)).value("mixvllm_http_requests_queued") != 2:
                await asyncio.sleep(0.001)
        server.builder.engine.finish()
        await asyncio.gather(*asking)
        after = await scrape(server.client)

    assert read.value("mixvllm_http_requests_in_flight") == 1
    assert after.value("mixvllm_http_requests_in_flight") == 0
    assert after.value("mixvllm_http_requests_queued") == 0


async def test_a_restart_is_seen_and_nothing_is_forgotten_over_it() -> None:
    async with running() as server:
        await server.ready()
        await server.client.post("/v1/completions", json={})
        server.builder.gate.clear()
        server.builder.engine.die()
        await server.reach(Phase.LOADING)
        meanwhile = await scrape(server.client)
        await server.ready()
        after = await scrape(server.client)

    assert meanwhile.value("engine_metric") is None
    assert meanwhile.value("mixvllm_server_phase", phase="loading") == 1
    assert meanwhile.value("mixvllm_engine_errors_total", kind="died") == 1
    assert meanwhile.value(COUNTED, route="/v1/completions", status="200") == 1
    assert after.value("engine_metric") == 1
    assert after.value("mixvllm_engine_restarts_total") == 1
    assert after.value(COUNTED, route="/v1/completions", status="200") == 1


async def test_an_engine_that_cannot_be_loaded_is_an_error_of_its_kind() -> None:
    builder = SmallBuilder(failure=RuntimeError("no such kernel"))
    builder.gate.set()
    async with running(builder=builder) as server:
        await server.reach(Phase.STOPPED)
        read = await scrape(server.client)

    assert read.value("mixvllm_engine_errors_total", kind="load") == 1
    assert read.value("mixvllm_engine_errors_total", kind="hung") == 0


async def test_an_engine_without_metrics_of_its_own_leaves_ours() -> None:
    async with running() as server:
        await server.ready()
        app = server.builder.engine.app
        assert app is not None
        app.router.routes = [r for r in app.router.routes if getattr(r, "path", "") != "/metrics"]
        read = await scrape(server.client)

    assert {name.partition("_")[0] for name in read.names} == {"mixvllm"}
