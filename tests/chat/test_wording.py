"""What servers refuse, in words and kinds."""

from __future__ import annotations

from typing import Any

import pytest

from mixvllm.chat.events import Failed
from tests.chat.scripted_server import ScriptedServer, error, refuses
from tests.chat.talking import all_of, talk

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (401, error("Bad key", code=401), "refused", "The server refuses the key: Bad key."),
        (
            404,
            error("The model `x` does not exist.", "NotFoundError", 404),
            "refused",
            "The server does not find it: The model `x` does not exist.",
        ),
        (404, {"detail": "Not Found"}, "refused", "The server does not find it: Not Found."),
        (429, error("Full", code=429), "refused", "The server is too busy: Full."),
        (400, error("Odd\n roles"), "refused", "The server refuses the request: Odd roles."),
        (400, {"detail": [{"msg": "x"}]}, "refused", "The server refuses the request: [{'msg'"),
        (
            400,
            error("max_tokens=9 cannot be greater than max_model_len=5. Please request fewer."),
            "too_long",
            "max_tokens=9 cannot be greater than max_model_len=5. Please request fewer.",
        ),
        (500, error("Boom", "InternalServerError", 500), "engine", "Boom."),
        (503, error("Stopping.", "server_stopping", 503), "engine", "Stopping."),
        (422, "plain words", "refused", "The server refuses the request: plain words."),
        (500, "", "engine", "HTTP 500 Other."),
    ],
)
async def test_a_refusal_is_one_line_of_its_kind(
    status: int, body: Any, kind: str, message: str
) -> None:
    with ScriptedServer([refuses(status, body)]) as server:
        async with talk(server) as conversation:
            (failed,) = await all_of(conversation.send("Hi"))

    assert isinstance(failed, Failed)
    assert failed.kind == kind
    assert failed.message.startswith(message)
    assert "\n" not in failed.message


async def test_a_server_that_is_gone_between_two_messages_is_told() -> None:
    with ScriptedServer() as server:
        gone = server
    async with talk(gone) as conversation:
        (failed,) = await all_of(conversation.send("Hi"))

    assert isinstance(failed, Failed)
    assert failed.kind == "unreachable"
    assert failed.message.startswith("The server cannot be reached: ")
