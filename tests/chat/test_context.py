"""Long conversations are trimmed by whole turns, and it is told."""

from __future__ import annotations

from typing import Any

import pytest

from mixvllm.chat.context import room_for_answer, surely_fits
from mixvllm.chat.events import Answered, Failed, TurnsDropped
from mixvllm.chat.history import History
from mixvllm.chat.sampling import Sampling
from mixvllm.chat.served_model import ServedModel
from tests.chat.scripted_server import MODEL, ScriptedServer, error, refuses, says
from tests.chat.talking import all_of, of_type, talk

pytestmark = pytest.mark.anyio

TOO_LONG = refuses(
    400,
    error(
        "This model's maximum context length is 100 tokens. However, your prompt contains at least "
        "120 input tokens, which exceeds this limit even without any output tokens. Please reduce "
        "the length of the input prompt."
    ),
)


def history(*said: str) -> History:
    past = History(system="Be brief.")
    for text in said:
        past.add({"role": "user", "content": text})
        past.add({"role": "assistant", "content": "ok"})
    return past


def words(body: Any) -> int:
    """A tokenizer that takes a word for a token."""
    return sum(len(str(message["content"]).split()) for message in body["messages"])


def sent_words(server: ScriptedServer) -> list[str]:
    return [message["content"] for message in server.asked[-1]["messages"]]


async def test_the_oldest_turns_are_left_out_by_the_servers_own_count() -> None:
    past = history("one " * 40, "two " * 40, "three " * 20)
    with ScriptedServer([says("ok")], count=words) as server:
        async with talk(server, model=ServedModel(MODEL, 100), history=past) as conversation:
            events = await all_of(conversation.send("four " * 20))
            later = await all_of(conversation.send("five"))

    # 75 of 100 may be the prompt: 2 + 20 + 1 + 20 do, 40 more do not.
    assert events[0] == TurnsDropped(2)
    assert sent_words(server)[:2] == ["Be brief.", "three " * 20]
    assert of_type(later, TurnsDropped) == []
    # What is not sent is kept all the same.
    assert len(conversation.history.turns) == 5


async def test_what_surely_fits_is_not_counted() -> None:
    with ScriptedServer([says("ok")], count=words) as server:
        async with talk(server) as conversation:
            await all_of(conversation.send("Hi"))

    assert [request.path for request in server.requests] == ["/v1/chat/completions"]


async def test_the_last_message_is_sent_even_where_it_does_not_fit() -> None:
    with ScriptedServer([TOO_LONG], count=words) as server:
        model = ServedModel(MODEL, 100)
        async with talk(server, model=model, history=history("one")) as conversation:
            events = await all_of(conversation.send("word " * 120))

    assert events[0] == TurnsDropped(1)
    failed = events[-1]
    assert isinstance(failed, Failed)
    assert failed.kind == "too_long"
    assert "maximum context length is 100 tokens" in failed.message


@pytest.mark.parametrize("length", [None, 100])
async def test_a_server_that_cannot_count_says_by_its_refusal_what_is_too_long(
    length: int | None,
) -> None:
    script = [TOO_LONG, TOO_LONG, says("ok")]
    with ScriptedServer(script) as server:
        model = ServedModel(MODEL, length)
        async with talk(server, model=model, history=history("one", "two")) as conversation:
            events = await all_of(conversation.send("three"))

    assert of_type(events, TurnsDropped) == [TurnsDropped(1), TurnsDropped(1)]
    assert isinstance(events[-1], Answered)
    assert sent_words(server) == ["Be brief.", "three"]


async def test_the_length_that_is_set_is_kept_free() -> None:
    past = history("one " * 30)
    with ScriptedServer([says("ok")], count=words) as server:
        options: Any = {"history": past, "sampling": Sampling(max_tokens=60)}
        async with talk(server, model=ServedModel(MODEL, 100), **options) as conversation:
            events = await all_of(conversation.send("two " * 20))

    assert events[0] == TurnsDropped(1)


async def test_another_model_is_sent_everything_again() -> None:
    past = history("one " * 90)
    with ScriptedServer([says("ok")], count=words) as server:
        async with talk(server, model=ServedModel(MODEL, 100), history=past) as conversation:
            await all_of(conversation.send("two"))
            conversation.switch_to(ServedModel("large", 1000))
            await all_of(conversation.send("three"))

    assert len(server.asked[-1]["messages"]) == 6
    assert server.asked[-1]["model"] == "large"


def test_room_for_the_answer_is_what_is_set_or_a_part() -> None:
    assert room_for_answer(8192, None) == 1024
    assert room_for_answer(1000, None) == 250
    assert room_for_answer(1000, 600) == 600
    assert room_for_answer(1000, 5000) == 999


def test_bytes_are_the_most_that_tokens_can_be() -> None:
    assert surely_fits([{"role": "user", "content": "Hi"}], [], 1000)
    assert not surely_fits([{"role": "user", "content": "🙂" * 300}], [], 1000)
