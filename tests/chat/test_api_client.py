"""The served model over real sockets: what servers do to a stream, and what becomes of it."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import aclosing

import pytest

from mixvllm.chat.api_client import ApiClient
from mixvllm.chat.api_errors import CutOff, Refused, Unreachable
from mixvllm.chat.endpoint import Endpoint, endpoint_at
from mixvllm.chat.events import Answered, Failed, TextPiece
from mixvllm.chat.served_model import ServedModel
from mixvllm.errors import InstallationError
from tests.chat.scripted_server import (
    DONE,
    Answer,
    Cut,
    Hold,
    Piece,
    ScriptedServer,
    document,
    error,
    event,
    models,
    refuses,
    says,
    usage,
)
from tests.chat.talking import all_of, of_type, talk

pytestmark = pytest.mark.anyio

HELLO = event(document({"content": "Hello"}))
END = event(document({}, "stop"))


async def what_comes_of(*pieces: Piece, chunked: bool = True) -> tuple[str, Answered | Failed]:
    """The text of an answer made of these pieces, and how it ended."""
    with ScriptedServer([Answer(pieces, chunked=chunked)]) as server:
        async with talk(server) as conversation:
            events = await all_of(conversation.send("Hi"))
    end = events[-1]
    assert isinstance(end, Answered | Failed)
    return "".join(piece.text for piece in of_type(events, TextPiece)), end


def split(data: bytes) -> list[bytes]:
    return [bytes([byte]) for byte in data]


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([HELLO, END, DONE], id="as vLLM writes it"),
        pytest.param([HELLO.replace(b"\n", b"\r\n"), END, DONE], id="CRLF"),
        pytest.param([HELLO.replace(b": ", b":", 1), END, DONE], id="no space"),
        pytest.param([b": keep-alive\n\n", HELLO, b":\n\n", END, DONE], id="comments"),
        pytest.param([b"event: ping\n\n", HELLO, END, DONE], id="an event without data"),
        pytest.param([*split(HELLO), *split(END), DONE], id="byte by byte"),
        pytest.param([HELLO, END], id="no [DONE]"),
        pytest.param([HELLO, END.rstrip()], id="no blank line at the end"),
        pytest.param([HELLO, DONE], id="no finish_reason"),
        pytest.param([HELLO, END, event("[DONE]").replace(b" ", b"")], id="[DONE] without space"),
        pytest.param([HELLO, END, event({"choices": None}), DONE], id="no choices"),
        pytest.param([HELLO, event({"choices": [{"delta": None}]}), DONE], id="no delta"),
        pytest.param([event({"choices": [], "object": "x"}), HELLO, END, DONE], id="a head"),
    ],
)
async def test_odd_framing_changes_nothing(pieces: list[bytes]) -> None:
    text, end = await what_comes_of(*pieces)

    assert text == "Hello"
    assert isinstance(end, Answered)


async def test_an_answer_without_chunks_ends_with_its_connection() -> None:
    text, end = await what_comes_of(HELLO, END, chunked=False)

    assert text == "Hello"
    assert isinstance(end, Answered)


async def test_data_on_several_lines_are_one_document() -> None:
    lines = json.dumps(document({"content": "Hello"}), indent=1).splitlines()
    spread = "".join(f"data: {line}\n" for line in lines).encode() + b"\n"

    assert (await what_comes_of(spread, END, DONE))[0] == "Hello"


async def test_a_character_that_is_cut_in_two_is_whole() -> None:
    raw = json.dumps(document({"content": "grüße 🙂"}), ensure_ascii=False)

    assert (await what_comes_of(*split(event(raw)), END, DONE))[0] == "grüße 🙂"


async def test_a_server_that_does_not_stream_is_understood() -> None:
    message = {"role": "assistant", "content": "Hello"}
    whole = {**usage(), "choices": [{"message": message, "finish_reason": "stop"}]}
    with ScriptedServer([refuses(200, whole)]) as server:
        async with talk(server) as conversation:
            events = await all_of(conversation.send("Hi"))

    assert events[0] == TextPiece("Hello")
    (answered,) = of_type(events, Answered)
    assert answered.prompt_tokens == 10


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        pytest.param([HELLO, Cut()], "The connection broke", id="reset"),
        pytest.param([HELLO], "The connection ended before the answer did.", id="ended"),
        pytest.param([], "The connection ended before the answer did.", id="empty"),
        pytest.param([HELLO, event("{not json")], "The server sent what is not JSON", id="no JSON"),
        pytest.param([HELLO, event("[1]")], "The server sent what is no JSON object", id="a list"),
    ],
)
async def test_an_answer_that_breaks_off_is_told_and_what_came_is_kept(
    pieces: list[Piece], said: str
) -> None:
    with ScriptedServer([Answer(pieces), says("again")]) as server:
        async with talk(server) as conversation:
            events = await all_of(conversation.send("Hi"))
            kept = [turn.messages[1:] for turn in conversation.history.turns]

    failed = events[-1]
    assert isinstance(failed, Failed)
    assert failed.kind == "cut_off"
    assert failed.message.startswith(said)
    assert "\n" not in failed.message
    hello = [{"role": "assistant", "content": "Hello"}]
    assert kept == [hello if HELLO in pieces else []]


ENGINE_DIED = "The engine died and is being started again. Send the request again in a moment."


@pytest.mark.parametrize(
    ("last", "kind", "said"),
    [
        pytest.param(
            event(error(ENGINE_DIED, "engine_restarting", 503)), "engine", ENGINE_DIED, id="mixvllm"
        ),
        pytest.param(
            event(error("The server is stopping.", "server_stopping", 503)),
            "engine",
            "The server is stopping.",
            id="mixvllm stopping",
        ),
        pytest.param(
            event(error("EngineCore encountered an issue.", "InternalServerError", 500)) + DONE,
            "engine",
            "EngineCore encountered an issue.",
            id="vLLM",
        ),
        pytest.param(event({"error": "boom"}), "engine", "boom.", id="text alone"),
        pytest.param(
            event({"object": "error", "message": "old"}), "engine", "old.", id="vLLM of old"
        ),
    ],
)
async def test_an_error_in_mid_stream_ends_the_answer(last: bytes, kind: str, said: str) -> None:
    text, end = await what_comes_of(HELLO, last)

    assert text == "Hello"
    assert isinstance(end, Failed)
    assert (end.kind, end.message) == (kind, said)


async def test_a_slow_first_byte_is_waited_for() -> None:
    hold = Hold()
    with ScriptedServer([Answer([hold, HELLO, END, DONE])]) as server:
        async with talk(server) as conversation:
            answer = asyncio.create_task(all_of(conversation.send("Hi")))
            while not server.asked:
                await asyncio.sleep(0)
            assert not answer.done()
            hold.released.set()
            assert TextPiece("Hello") in await answer


async def test_a_server_that_goes_silent_is_given_up() -> None:
    with ScriptedServer([Answer([HELLO, Hold()])]) as server:
        async with ApiClient(endpoint_at(server.url), silence_timeout_s=0.05) as client:
            with pytest.raises(CutOff, match="said nothing for too long"):
                async for _ in client.chat({"model": "small", "messages": []}):
                    pass


async def test_closing_the_answer_closes_the_connection_and_keeps_what_came() -> None:
    with ScriptedServer([Answer([HELLO, Hold()])]) as server:
        async with talk(server) as conversation:
            async with aclosing(conversation.send("Hi")) as events:
                assert await anext(events) == TextPiece("Hello")
            assert await asyncio.to_thread(server.left.wait, 5)
            assert conversation.history.turns[0].messages[1:] == [
                {"role": "assistant", "content": "Hello"}
            ]


async def test_cancelling_the_task_closes_the_connection_before_the_first_byte_too() -> None:
    with ScriptedServer([Answer([Hold()]), says("Yes")]) as server:
        async with talk(server) as conversation:
            answer = asyncio.create_task(all_of(conversation.send("Hi")))
            while not server.asked:
                await asyncio.sleep(0)
            answer.cancel()
            with pytest.raises(asyncio.CancelledError):
                await answer
            assert await asyncio.to_thread(server.left.wait, 5)
            await all_of(conversation.send("Still there?"))

    # What was never answered makes way: templates want the roles in turn.
    assert server.asked[1]["messages"] == [{"role": "user", "content": "Still there?"}]


async def test_the_key_is_sent_and_shown_nowhere() -> None:
    with ScriptedServer([says("ok")]) as server:
        endpoint = endpoint_at(server.url, "sk-secret")
        async with ApiClient(endpoint) as client:
            await client.models()

    assert server.requests[0].headers["authorization"] == "Bearer sk-secret"
    assert "sk-secret" not in repr(endpoint)


async def test_nothing_of_the_environment_goes_to_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(name, "of-openai")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with ScriptedServer() as server:
        async with ApiClient(endpoint_at(server.url)) as client:
            await client.models()

    assert "of-openai" not in str(server.requests[0].headers)


async def test_models_are_read_with_their_context_and_odd_entries_left_out() -> None:
    card = {"id": "a", "max_model_len": 10, "root": "org/a", "parent": None}
    with ScriptedServer(listed=[models(card, {"id": "b"}, {"object": "model"})]) as server:
        async with ApiClient(endpoint_at(server.url)) as client:
            assert await client.models() == (ServedModel("a", 10, "org/a"), ServedModel("b"))


async def test_tokens_are_counted_where_the_server_can() -> None:
    said = [{"role": "user", "content": "Hi"}]
    for server, counted in (
        (ScriptedServer(count=lambda body: len(body["messages"])), 1),
        (ScriptedServer(), None),
    ):
        with server:
            async with ApiClient(endpoint_at(server.url)) as client:
                assert await client.count_tokens("small", said, []) == counted


async def test_without_the_package_its_name_and_the_extra_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)  # as if it were not installed
    with pytest.raises(InstallationError, match="needs the package `openai`") as caught:
        ApiClient(endpoint_at("127.0.0.1:1"))

    assert caught.value.hint == "pip install 'mixvllm[chat]'"


async def test_a_page_of_a_proxy_is_not_poured_out() -> None:
    page = "<html><body><h1>502 Bad Gateway</h1></body></html>"
    with ScriptedServer([refuses(502, page)]) as server:
        async with talk(server) as conversation:
            (failed,) = await all_of(conversation.send("Hi"))

    assert isinstance(failed, Failed)
    assert (failed.kind, failed.message) == ("engine", "HTTP 502 Bad Gateway.")


async def test_a_server_that_is_gone_is_told_in_one_line() -> None:
    with ScriptedServer() as server:
        gone = server.url
    async with ApiClient(endpoint_at(gone)) as client:
        with pytest.raises(Unreachable, match="failed"):
            await client.models()


async def test_what_is_no_openai_server_is_refused() -> None:
    with ScriptedServer(listed=[refuses(200, "<html>hello</html>")]) as server:
        async with ApiClient(Endpoint(server.url.removesuffix("/v1"))) as client:
            assert await client.models() == ()


async def test_an_error_status_carries_what_the_server_says() -> None:
    body = error("Bad key.", "invalid_request_error", 401)
    with ScriptedServer(listed=[refuses(401, body)]) as server:
        async with ApiClient(endpoint_at(server.url)) as client:
            with pytest.raises(Refused) as caught:
                await client.models()

    assert (caught.value.status, caught.value.body.message) == (401, "Bad key.")
