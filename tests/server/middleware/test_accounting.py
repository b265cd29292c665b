import logging

import httpx
import pytest

from mixvllm.server.engine import Receive, Scope, Send
from mixvllm.server.metrics.traffic import Traffic
from mixvllm.server.middleware.accounting import Accounting
from mixvllm.server.middleware.request_id import RequestId
from tests.server.small_engine import running

pytestmark = pytest.mark.anyio


async def fail(scope: Scope, receive: Receive, send: Send) -> None:
    raise KeyError("nobody thought of this")


async def begin_and_fail(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise KeyError("nobody thought of this")


async def go_away(scope: Scope, receive: Receive, send: Send) -> None:
    return


async def test_what_nobody_expected_is_answered_in_openais_shape_and_logged_with_its_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    traffic = Traffic()
    transport = httpx.ASGITransport(RequestId(Accounting(fail, traffic)))
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
        answer = await client.get("/status?key=hush", headers={"X-Request-Id": "one"})

    assert answer.status_code == 500
    assert answer.headers["x-request-id"] == "one"
    assert answer.json()["error"]["type"] == "internal_server_error"
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info
    assert record.__dict__["request_id"] == "one"
    assert "hush" not in record.getMessage()
    assert traffic.requests == {("/status", 500): 1}


@pytest.mark.parametrize(("app", "status"), [(begin_and_fail, 200), (go_away, 499)])
async def test_an_answer_that_is_not_whole_is_counted(
    app: Accounting, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    traffic = Traffic()
    scope = {"type": "http", "method": "GET", "path": "/live", "headers": []}

    await Accounting(app, traffic)(scope, nothing_comes, swallow)

    assert traffic.requests == {("/live", status): 1}
    assert len(caplog.records) == (1 if status == 200 else 0)


async def nothing_comes() -> dict[str, str]:
    return {"type": "http.disconnect"}


async def swallow(message: object) -> None:
    return


async def test_the_access_log_has_who_asked_what_and_how_it_went(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "mixvllm.access")
    async with running() as server:
        path = "/live?key=hush"
        await server.client.get(path, headers={"X-Request-Id": "one"})

    [record] = [each for each in caplog.records if each.name == "mixvllm.access"]
    assert record.getMessage().startswith("127.0.0.1:123 GET /live 200 0.0")
    assert record.__dict__["request_id"] == "one"
    data = record.__dict__["data"]
    assert set(data) == {"client", "method", "path", "status", "duration_s"}


async def test_a_path_cannot_forge_a_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "mixvllm.access")
    async with running() as server:
        await server.client.get("/live%0A2026-01-01%20forged")

    [record] = [each for each in caplog.records if each.name == "mixvllm.access"]
    assert "\n" not in record.getMessage()


async def test_without_being_asked_for_no_access_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running() as server:
        await server.client.get("/live")

    assert [each for each in caplog.records if each.name == "mixvllm.access"] == []
