import json

import pytest
from pydantic import SecretStr

from mixvllm.server.lifecycle import Phase
from mixvllm.server.prediction import Prediction
from mixvllm.vllm_internals.facts import EngineFacts
from tests.server.small_engine import ENGINE_PID, SmallBuilder, SmallEngine, running, served

pytestmark = pytest.mark.anyio

STATUS_KEYS = {
    "phase",
    "elapsed_s",
    "progress",
    "model",
    "restarts",
    "error",
    "code",
    "kv_cache",
    "versions",
    "engine_pids",
    "worker_pids",
    "settings",
}


async def test_before_ready_a_model_route_says_not_yet_in_the_shape_of_openai() -> None:
    async with running() as server:
        await server.reach(Phase.LOADING)
        answer = await server.client.post("/v1/chat/completions", json={})

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    body = answer.json()
    assert body["error"] == {
        "message": "The model is not ready yet: loading.",
        "type": "service_unavailable",
        "param": None,
        "code": 503,
    }
    assert body["phase"] == "loading"
    assert body["elapsed_s"] >= 0


async def test_health_follows_the_phase_and_live_does_not() -> None:
    async with running() as server:
        before = await server.client.get("/health"), await server.client.get("/live")
        await server.ready()
        after = await server.client.get("/health"), await server.client.get("/live")

    assert [answer.status_code for answer in before] == [503, 200]
    assert [answer.status_code for answer in after] == [200, 200]
    assert after[0].json() == {"phase": "ready"}
    assert "Retry-After" in before[0].headers
    assert "Retry-After" not in after[0].headers


async def test_status_tells_the_progress_while_loading() -> None:
    async with running() as server:
        await server.reach(Phase.LOADING)
        status = (await server.client.get("/status")).json()

    assert set(status) == STATUS_KEYS
    assert status["phase"] == "loading"
    assert status["progress"] == {"detail": "loading", "fraction": 0.5}
    assert status["kv_cache"] == {"predicted_tokens": None, "actual_tokens": None}
    assert status["engine_pids"] == []
    assert set(status["versions"]) == {"mixvllm", "vllm"}


async def test_status_tells_what_the_engine_found_when_ready() -> None:
    builder = SmallBuilder(
        SmallEngine(EngineFacts(kv_cache_tokens=23_296)), prediction=Prediction(23_040)
    )
    async with running(builder=builder) as server:
        await server.ready()
        status = (await server.client.get("/status")).json()

    assert status["kv_cache"] == {"predicted_tokens": 23_040, "actual_tokens": 23_296}
    assert status["engine_pids"] == [ENGINE_PID]
    assert status["restarts"] == 0
    assert status["error"] is None


async def test_status_masks_every_secret() -> None:
    settings = served(server={"api_key": SecretStr("hush")}, vllm={"api-key": ["hush"], "seed": 1})
    async with running(settings) as server:
        answer = await server.client.get("/status", headers={"x-api-key": "hush"})

    assert "hush" not in answer.text
    shown = answer.json()["settings"]
    assert shown["server"]["api_key"] == "**********"
    assert shown["vllm"] == {"api-key": "**********", "seed": 1}


async def test_when_ready_everything_that_is_not_ours_is_answered_by_the_engine() -> None:
    async with running() as server:
        await server.ready()
        answer = await server.client.post("/invocations", json={"a": 1})
        unknown = await server.client.get("/no/such/route")

    assert json.loads(answer.json()["body"]) == {"a": 1}
    assert answer.json()["root_path"] == ""
    assert unknown.status_code == 404


async def test_the_health_of_the_engine_is_shadowed_by_ours() -> None:
    async with running() as server:
        await server.ready()
        answer = await server.client.get("/health")

    assert answer.json() == {"phase": "ready"}


async def test_openapi_shows_our_routes_first_and_the_engines_too_when_ready() -> None:
    async with running() as server:
        before = (await server.client.get("/openapi.json")).json()
        await server.ready()
        after = (await server.client.get("/openapi.json")).json()

    assert set(before["paths"]) == {"/health", "/live", "/status", "/metrics"}
    assert set(after["paths"]) > {"/status", "/v1/chat/completions", "/invocations"}
    assert after["paths"]["/health"] == before["paths"]["/health"]
    assert unresolved(after) == set()


def unresolved(document: object) -> set[str]:
    """The references in a document that lead nowhere."""
    text = json.dumps(document)
    references = {part.partition('"')[0] for part in text.split('"$ref": "#/')[1:]}
    return {reference for reference in references if not _leads_somewhere(document, reference)}


def _leads_somewhere(document: object, reference: str) -> bool:
    for key in reference.split("/"):
        if not isinstance(document, dict) or key not in document:
            return False
        document = document[key]
    return True


async def test_docs_is_a_page_over_the_merged_document() -> None:
    async with running() as server:
        page = await server.client.get("/docs")

    assert page.status_code == 200
    assert "openapi.json" in page.text


async def test_while_draining_health_and_model_routes_say_503() -> None:
    async with running() as server:
        await server.ready()
        server.supervisor.stop()
        await server.task
        health = await server.client.get("/health")
        model = await server.client.post("/v1/completions", json={})

    assert health.status_code == 503
    assert model.status_code == 503
    assert model.headers["connection"] == "close"
    assert model.json()["error"]["message"] == "The server is stopping."


@pytest.mark.parametrize("path", ["/health", "/live"])
async def test_health_checks_may_ask_with_head(path: str) -> None:
    async with running() as server:
        await server.ready()
        answer = await server.client.head(path)

    assert (answer.status_code, answer.content) == (200, b"")


async def test_a_method_that_our_routes_lack_is_refused_in_the_shape_of_openai() -> None:
    async with running() as server:
        await server.ready()
        answer = await server.client.post("/health")

    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    assert answer.json()["error"] == {
        "message": "Method Not Allowed.",
        "type": "invalid_request_error",
        "param": None,
        "code": 405,
    }
