from collections.abc import Iterable
from typing import Any

import httpx
import pytest

from mixvllm.server.gateway import own_app
from mixvllm.server.live_settings import LiveSettings
from tests.server.small_engine import Running, running, served

pytestmark = pytest.mark.anyio

KEY = "a-long-random-text"
SETTINGS = served(server={"api_key": KEY})
OPEN = {"/health", "/live"}


def routes_of(server: Running) -> Iterable[tuple[str, str]]:
    """Every method and path of our routes and the engine's."""
    assert server.builder.engine.app is not None
    own = own_app(LiveSettings(SETTINGS), server.supervisor)
    for app in (own, server.builder.engine.app):
        for route in app.routes:
            for method in getattr(route, "methods", None) or ():
                yield method, getattr(route, "path", "")


async def test_every_route_but_health_and_live_refuses_a_request_without_the_key() -> None:
    async with running(SETTINGS) as server:
        await server.ready()
        routes = set(routes_of(server))
        answers = {route: await server.client.request(*route) for route in routes}

    assert {path for _, path in routes} >= OPEN | {"/status", "/docs", "/invocations", "/metrics"}
    for (method, path), answer in answers.items():
        if path in OPEN:
            assert answer.status_code != 401, (method, path)
        else:
            assert answer.status_code == 401, (method, path)


async def test_a_route_that_does_not_exist_refuses_as_well() -> None:
    async with running(SETTINGS) as server:
        await server.ready()
        answers = [
            await server.client.get(path)
            for path in ("/no/such", "/health/", "//health", "/live/x", "/HEALTH")
        ]

    assert [answer.status_code for answer in answers] == [401] * 5


async def test_before_ready_the_key_is_asked_for_too() -> None:
    async with running(SETTINGS) as server:
        answer = await server.client.post("/v1/completions", json={})

    assert answer.status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {KEY}"},
        {"authorization": f"bearer  {KEY}"},
        {"x-api-key": KEY},
    ],
)
async def test_the_key_is_taken_from_either_header(headers: dict[str, str]) -> None:
    async with running(SETTINGS) as server:
        await server.ready()
        answer = await server.client.post("/v1/completions", json={}, headers=headers)

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {KEY}x"},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": KEY},
        {"Authorization": "Bearer "},
        {"x-api-key": ""},
        {"x-api-key": KEY.upper()},
    ],
)
async def test_anything_but_the_key_is_refused(headers: dict[str, str]) -> None:
    async with running(SETTINGS) as server:
        answer = await server.client.get("/status", headers=headers)

    assert answer.status_code == 401


async def test_the_refusal_has_the_shape_of_openai_and_names_the_scheme() -> None:
    async with running(SETTINGS) as server:
        answer = await server.client.get("/status")

    assert answer.headers["www-authenticate"] == "Bearer"
    assert set(answer.json()) == {"error"}
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert answer.json()["error"]["code"] == 401
    assert KEY not in answer.text


@pytest.mark.parametrize(("origins", "open_"), [({}, False), ({"allowed_origins": ["*"]}, True)])
async def test_a_browsers_question_is_open_only_where_other_sites_may_ask(
    origins: dict[str, list[str]], open_: bool
) -> None:
    question = {"Origin": "http://other.example", "Access-Control-Request-Method": "POST"}
    async with running(served(server={"api_key": KEY}, vllm=origins)) as server:
        await server.ready()
        asked = await server.client.options("/v1/completions", headers=question)
        plain = await server.client.options("/v1/completions")

    assert (asked.status_code != 401) is open_
    assert plain.status_code == 401


@pytest.mark.parametrize(("headers", "first"), [({}, "close"), ({"x-api-key": KEY}, "accept")])
async def test_a_websocket_without_the_key_is_refused(headers: dict[str, str], first: str) -> None:
    async with running(SETTINGS) as server:
        await server.ready()
        sent = await open_websocket(server.gateway, "/v1/realtime", headers)

    assert sent[0]["type"] == f"websocket.{first}"


async def open_websocket(app: Any, path: str, headers: dict[str, str]) -> list[dict[str, Any]]:
    """What the app sends to a client that opens a WebSocket and waits."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {
        "type": "websocket",
        "path": path,
        "headers": raw,
        "query_string": b"",
        "extensions": {},
    }
    await app(scope, receive, send)
    return sent


async def test_without_a_configured_key_everything_is_open() -> None:
    async with running() as server:
        await server.ready()
        answer: httpx.Response = await server.client.post("/invocations", json={})

    assert answer.status_code == 200
