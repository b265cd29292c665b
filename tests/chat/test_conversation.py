"""A message goes in, events come out, the history keeps what was said."""

from __future__ import annotations

import pytest

from mixvllm.chat.events import Answered, ReasoningPiece, TextPiece
from tests.chat.scripted_server import ScriptedServer, document, says, streams, usage
from tests.chat.talking import all_of, of_type, talk

pytestmark = pytest.mark.anyio


async def test_an_answer_comes_in_pieces_and_ends_with_its_figures() -> None:
    with ScriptedServer([says("Hel", "lo", tokens=(7, 2))]) as server:
        async with talk(server) as conversation:
            events = await all_of(conversation.send("Hi"))

    assert events[:2] == [TextPiece("Hel"), TextPiece("lo")]
    (answered,) = of_type(events, Answered)
    assert (answered.prompt_tokens, answered.completion_tokens) == (7, 2)
    assert (answered.finish_reason, answered.context_length) == ("stop", 4096)
    assert answered.first_token_s is not None
    assert answered.first_token_s <= answered.elapsed_s


async def test_the_next_message_is_sent_with_all_that_was_said() -> None:
    with ScriptedServer([says("Hello"), says("Bye")]) as server:
        async with talk(server) as conversation:
            conversation.history.set_system("Be brief.")
            await all_of(conversation.send("Hi"))
            await all_of(conversation.send("Leave"))

    assert server.asked[1]["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "Leave"},
    ]


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
async def test_reasoning_is_told_apart_and_not_sent_again(name: str) -> None:
    thinks = [document({name: "Hm, "}), document({name: "yes"}), document({"content": "Yes."})]
    first = streams(*thinks, document({}, "stop"), usage())
    with ScriptedServer([first, says("ok")]) as server:
        async with talk(server) as conversation:
            events = await all_of(conversation.send("Hi"))
            await all_of(conversation.send("More"))

    assert of_type(events, ReasoningPiece) == [ReasoningPiece("Hm, "), ReasoningPiece("yes")]
    assert server.asked[1]["messages"][1] == {"role": "assistant", "content": "Yes."}
    assert conversation.history.turns[0].messages[1]["reasoning"] == "Hm, yes"
