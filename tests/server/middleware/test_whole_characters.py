import json

import pytest

from mixvllm.server.middleware.whole_characters import half_character
from tests.server.small_engine import running, served

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "text", [r"\ud83d", r"\uDE00", r"\ud83d and more", r"\\\ud83d", r"\udE00\ud83d"]
)
async def test_half_a_character_is_refused_before_the_engine_sees_it(text: str) -> None:
    body = b'{"prompt": "' + text.encode() + b'"}'
    async with running(served()) as server:
        await server.ready()
        headers = {"content-type": "application/json"}
        answer = await server.client.post("/v1/completions", content=body, headers=headers)

    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert "half a character: \\ud" in answer.json()["error"]["message"].lower()


@pytest.mark.parametrize(
    "text", ["\U0001f600", "a backslash, then letters: \\ud83d", "\\\U0001f600", "plain", "\ufffd"]
)
async def test_whole_characters_reach_the_engine_as_they_came(text: str) -> None:
    body = json.dumps({"prompt": text})
    async with running(served()) as server:
        await server.ready()
        headers = {"content-type": "application/json"}
        answer = await server.client.post("/v1/completions", content=body, headers=headers)

    assert answer.json()["body"] == body


@pytest.mark.parametrize("escape", ["\\ud83d", "\\uDE00", "\\\\\\ud83d"])
def test_what_python_cannot_encode_is_found_and_nothing_else(escape: str) -> None:
    text = f'"{escape}"'
    with pytest.raises(UnicodeEncodeError):
        json.loads(text).encode()

    assert half_character(text.encode())


async def test_bodies_of_other_kinds_are_left_alone() -> None:
    async with running(served()) as server:
        await server.ready()
        headers = {"content-type": "text/plain"}
        answer = await server.client.post("/v1/completions", content=b"\\ud83d", headers=headers)

    assert answer.json()["body"] == "\\ud83d"
