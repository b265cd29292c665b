"""How answers are drawn: what is set is sent, the rest is the server's choice."""

from __future__ import annotations

import pytest

from mixvllm.chat.sampling import NAMES, Sampling
from mixvllm.errors import ChatError
from tests.chat.scripted_server import ScriptedServer, says
from tests.chat.talking import all_of, talk


@pytest.mark.anyio
async def test_what_is_set_is_sent_and_nothing_else() -> None:
    sampling = Sampling(temperature=0.0, top_k=5, seed=0, stop=("END",))
    with ScriptedServer([says("ok")]) as server:
        async with talk(server, sampling=sampling) as conversation:
            await all_of(conversation.send("Hi"))

    (body,) = server.asked
    sent = {name: body[name] for name in NAMES if name in body}
    assert sent == {"temperature": 0.0, "top_k": 5, "seed": 0, "stop": ["END"]}
    assert body["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("temperature", "0.5", 0.5),
        ("max_tokens", "10", 10),
        ("top_k", "-1", -1),
        ("seed", "7", 7),
        ("stop", "END", ("END",)),
    ],
)
def test_values_are_read_from_text_and_unset_again(name: str, text: str, value: object) -> None:
    changed = Sampling().with_text(name, text)

    assert getattr(changed, name) == value
    assert changed.with_text(name, "unset") == Sampling()


def test_stops_add_up() -> None:
    assert Sampling(stop=("a",)).with_text("stop", "b").stop == ("a", "b")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("temperature", "3", "temperature must be a number, between 0 and 2, not '3'."),
        ("temperature", "warm", "temperature must be a number, between 0 and 2, not 'warm'."),
        ("max_tokens", "0", "max_tokens must be a whole number, at least 1, not '0'."),
        ("seed", "x", "seed must be a whole number, not 'x'."),
        ("temprature", "1", "There is no setting temprature; there are "),
    ],
)
def test_what_is_not_taken_is_refused_with_its_range(name: str, text: str, said: str) -> None:
    with pytest.raises(ChatError) as caught:
        Sampling().with_text(name, text)

    assert caught.value.message.startswith(said)
