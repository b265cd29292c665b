"""What was said: turns that come and go, each change told."""

from __future__ import annotations

import pytest

from mixvllm.chat.history import Entry, History

QUESTION = {"role": "user", "content": "What?"}
ANSWER = {"role": "assistant", "content": "That."}


def test_a_users_message_begins_a_turn_and_what_follows_belongs_to_it() -> None:
    history = History()
    for message in (QUESTION, ANSWER, QUESTION):
        history.add(message)

    first, second = history.turns
    assert (first.text, first.is_answered) == ("What?", True)
    assert second.is_answered is False


def test_every_change_is_told_and_can_be_repeated() -> None:
    told: list[Entry] = []
    history = History(record=told.append)
    history.set_system("Be brief.")
    history.add(QUESTION)
    history.add(ANSWER)
    history.add(QUESTION)
    history.undo()

    again = History()
    for entry in told:
        again.replay(entry)
    assert (again.system, again.turns) == (history.system, history.turns)

    history.clear()
    again.replay(told[-1])
    assert again.turns == []
    assert again.system == "Be brief."


def test_taking_back_gives_the_turn_and_nothing_where_there_is_none() -> None:
    history = History()
    history.add(QUESTION)

    turn = history.undo()
    assert turn is not None
    assert turn.text == "What?"
    assert history.undo() is None


def test_taking_back_brings_turns_that_were_left_out_within_bounds() -> None:
    history = History(left_out=1)
    history.add(QUESTION)
    history.undo()

    assert history.left_out == 0


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"message": {"role": "robot", "content": ""}},
        {"message": ANSWER},
        {"undo": True},
        {"system": 1},
        {"other": True},
    ],
)
def test_what_is_no_change_is_refused(entry: Entry) -> None:
    with pytest.raises(ValueError, match="no change"):
        History().replay(entry)


def test_images_of_a_turn_are_kept_apart_from_its_text() -> None:
    shown = {"type": "image_url", "image_url": {"url": "data:x"}}
    history = History()
    history.add({"role": "user", "content": [shown, {"type": "text", "text": "What?"}]})

    assert (history.turns[0].text, history.turns[0].images) == ("What?", ("data:x",))
