import pytest

from tests.server.small_engine import running, served

pytestmark = pytest.mark.anyio


async def test_the_id_of_the_client_comes_back_and_goes_to_the_engine() -> None:
    async with running() as server:
        await server.ready()
        answer = await server.client.post("/v1/completions", headers={"X-Request-Id": "a-1_b:2"})

    assert answer.headers["x-request-id"] == "a-1_b:2"
    assert answer.json()["request_id"] == "a-1_b:2"


async def test_a_request_without_an_id_gets_one_that_the_engine_sees_too() -> None:
    async with running() as server:
        await server.ready()
        answers = [await server.client.post("/v1/completions") for _ in range(2)]

    ids = [answer.headers["x-request-id"] for answer in answers]
    assert ids == [answer.json()["request_id"] for answer in answers]
    assert len(set(ids)) == 2
    assert all(len(each) == 32 for each in ids)


@pytest.mark.parametrize(
    "unsafe", [b"", b"a b", b"x" * 129, b"<script>", b"\xff\xfe", b"a\tb", b"%0a", b'"']
)
async def test_an_id_that_is_too_long_or_not_safe_is_replaced(unsafe: bytes) -> None:
    async with running() as server:
        await server.ready()
        answer = await server.client.post("/v1/completions", headers=[(b"X-Request-Id", unsafe)])

    assert len(answer.headers["x-request-id"]) == 32
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_of_several_ids_the_first_counts_and_only_that_is_passed_on() -> None:
    async with running() as server:
        await server.ready()
        headers = [(b"X-Request-Id", b"one"), (b"x-request-id", b"two")]
        answer = await server.client.post("/v1/completions", headers=headers)

    assert answer.headers.get_list("x-request-id") == ["one"]
    assert answer.json()["request_id"] == "one"


async def test_errors_and_our_own_routes_bear_the_id() -> None:
    named = {"X-Request-Id": "one"}
    async with running(served(server={"api_key": "hush", "max_body_mib": 0.001})) as server:
        keyed = {**named, "x-api-key": "hush"}
        too_early = await server.client.post("/v1/completions", headers=keyed)
        await server.ready()
        too_large = await server.client.post("/v1/completions", headers=keyed, content=b"x" * 2000)
        refused = await server.client.post("/v1/completions", headers=named)
        unknown = await server.client.get("/no/such", headers=keyed)
        wrong_method = await server.client.post("/status", headers=keyed)
        health = await server.client.get("/health", headers=named)

    answers = (too_early, too_large, refused, unknown, wrong_method, health)
    assert [each.status_code for each in answers] == [503, 413, 401, 404, 405, 200]
    assert {each.headers["x-request-id"] for each in answers} == {"one"}


async def test_an_id_in_the_body_is_left_to_the_engine() -> None:
    async with running() as server:
        await server.ready()
        by_body = await server.client.post("/v1/completions", json={"request_id": "mine"})
        by_both = await server.client.post(
            "/v1/completions", json={"request_id": "mine"}, headers={"X-Request-Id": "head"}
        )

    assert by_body.json()["request_id"] is None
    assert by_body.headers["x-request-id"]
    assert by_both.json()["request_id"] == "head"
