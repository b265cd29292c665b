"""Clients and proxies that do everything wrong, at a server with the real engine."""

import asyncio
import contextlib
import json
import random
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.faults.clients import LONG_STORY, capital_of_france, health, until
from tests.faults.conftest import READY_WITHIN_S, Note
from tests.faults.proxy import Proxy, proxied
from tests.server.processes import ServerProcess
from tests.server.test_engine_ends import running_requests

pytestmark = [pytest.mark.engine, pytest.mark.faults]

STREAMS = 500
# The bodies that each route takes; the fuzz starts from them.
CHAT = {"messages": [{"role": "user", "content": "Hi"}]}
BODIES: dict[str, dict[str, Any]] = {
    "/v1/completions": {"model": "demo", "prompt": "Hi", "max_tokens": 2},
    "/v1/chat/completions": {"model": "demo", **CHAT, "max_tokens": 2},
    "/v1/responses": {"model": "demo", "input": "Hi", "max_output_tokens": 2},
    "/v1/messages": {"model": "demo", **CHAT, "max_tokens": 2},
    "/tokenize": {"model": "demo", "prompt": "Hi"},
    "/detokenize": {"model": "demo", "tokens": [1, 2]},
}
NESTED = "[" * 20_000 + "]" * 20_000


@pytest.fixture(autouse=True)
def ready(server: ServerProcess) -> None:
    server.wait_for_phase("ready", within_s=READY_WITHIN_S)


def test_500_streams_whose_clients_go_away_at_random_are_all_freed(
    server: ServerProcess, note: Note
) -> None:
    gateway = psutil.Process(server.process.pid)
    before = gateway.num_fds()
    chances = random.Random(7)

    async def one() -> int:
        body = json.dumps({**LONG_STORY, "stream": True}).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(
            b"POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\n\r\n%s" % (len(body), body)
        )
        got = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(chances.uniform(0.5, 20)):
                while line := await reader.read(4096):
                    got += len(line)
        writer.transport.abort()
        return got

    async def all_of_them() -> list[int]:
        return await asyncio.gather(*(one() for _ in range(STREAMS)))

    got = asyncio.run(all_of_them())
    freed_s = until(lambda: running_requests(server) == 0, within_s=60)
    until(lambda: gateway.num_fds() <= before + 5, within_s=10)
    note(
        f"{STREAMS} streams",
        f"{sum(map(bool, got))} had begun; all freed {freed_s:.2f} s after the last one went; "
        f"descriptors of the gateway {before} before, {gateway.num_fds()} after",
    )
    assert "Paris" in capital_of_france(server)


hostile = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["\x00", "demo", "auto", "json_object", "image_url", "x" * 5000]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def fields(server: ServerProcess) -> dict[str, list[str]]:
    """The fields of each route's body, as the server's own OpenAPI document names them."""
    document = httpx.get(f"{server.url}/openapi.json", timeout=60).json()
    return {path: sorted(_fields_of(document, path)) for path in BODIES}


def _fields_of(document: dict[str, Any], path: str) -> set[str]:
    schema = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    found: set[str] = set()
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if name := part.get("$ref", "").rpartition("/")[2]:
            waiting.append(document["components"]["schemas"][name])
        waiting += part.get("anyOf", [])
        found |= set(part.get("properties", ()))
    return found


@pytest.mark.parametrize("path", BODIES)
def test_no_body_makes_an_internal_error_or_a_hang(
    server: ServerProcess, fields: dict[str, list[str]], note: Note, path: str
) -> None:
    assert len(fields[path]) >= 2
    seen: dict[int, int] = {}

    @settings(
        max_examples=150,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.dictionaries(st.sampled_from(fields[path]), hostile, min_size=1, max_size=3))
    def fuzz(changed: dict[str, Any]) -> None:
        body = json.dumps({**BODIES[path], **changed}).encode()
        headers = {"content-type": "application/json"}
        answer = httpx.post(f"{server.url}{path}", content=body, headers=headers, timeout=60)
        seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
        assert answer.status_code < 500, (changed, answer.text[:500])

    try:
        fuzz()
    finally:
        note(f"fuzz {path}", f"answers by status {dict(sorted(seen.items()))}")
    assert health(server) == 200


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut"),
        pytest.param(b"\xff\xfe\x00", id="binary"),
        pytest.param(b"null", id="null"),
        pytest.param(b"NaN", id="nan"),
        pytest.param(b'"text"', id="text"),
        pytest.param(NESTED.encode(), id="nested"),
        pytest.param(b'{"a":' * 20_000, id="nested-and-cut"),
        pytest.param(b"[" + b"0," * 2_000_000 + b"0]", id="long"),
        pytest.param(b" " * (33 << 20), id="too-large"),
    ],
)
def test_a_malformed_body_is_refused_as_the_clients_mistake(
    server: ServerProcess, path: str, body: bytes
) -> None:
    headers = {"content-type": "application/json"}
    answer = httpx.post(f"{server.url}{path}", content=body, headers=headers, timeout=60)

    assert 400 <= answer.status_code < 500, answer.text[:500]


def test_half_a_character_is_the_clients_mistake(server: ServerProcess) -> None:
    body = b'{"model": "demo", "input": "Hi", "ec_transfer_params": {"": "\\ud800"}}'
    headers = {"content-type": "application/json"}
    answer = httpx.post(f"{server.url}/v1/responses", content=body, headers=headers, timeout=60)

    assert answer.status_code == 400


@pytest.fixture
def proxy(server: ServerProcess) -> Iterator[Proxy]:
    with proxied(server.port) as proxy:
        yield proxy


def test_a_proxy_that_cuts_the_connection_frees_the_request(
    server: ServerProcess, proxy: Proxy
) -> None:
    body = {**LONG_STORY, "stream": True}
    with httpx.stream("POST", f"{proxy.url}/v1/completions", json=body, timeout=60) as answer:
        next(answer.iter_lines())
        # The gauge follows the engine's steps.
        until(lambda: running_requests(server) == 1, within_s=10)
        proxy.cut()
        until(lambda: running_requests(server) == 0, within_s=10)


def test_a_proxy_that_keeps_everything_back_gets_the_whole_stream(
    server: ServerProcess, proxy: Proxy
) -> None:
    proxy.buffers.set()
    body = {**BODIES["/v1/completions"], "stream": True, "max_tokens": 20}
    answer = httpx.post(f"{proxy.url}/v1/completions", json=body, timeout=120)

    assert answer.text.rstrip().endswith("data: [DONE]")


def test_a_proxy_that_stops_reading_does_not_hold_up_others(
    server: ServerProcess, proxy: Proxy
) -> None:
    proxy.stalls.set()
    over = threading.Event()

    def ask() -> None:
        with contextlib.suppress(httpx.HTTPError):
            httpx.post(
                f"{proxy.url}/v1/completions", json={**LONG_STORY, "stream": True}, timeout=30
            )
        over.set()

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        assert "Paris" in capital_of_france(server)
    finally:
        proxy.cut()
        asking.join()
    until(lambda: running_requests(server) == 0, within_s=10)
