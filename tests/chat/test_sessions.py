"""Conversations are recorded as they happen, and read back whatever happened to the file."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mixvllm.chat.history import History
from mixvllm.chat.session_file import SessionFile, read_session
from mixvllm.chat.session_store import SessionStore
from mixvllm.errors import ChatError, DirectoryError
from tests.chat.scripted_server import ScriptedServer, says
from tests.chat.talking import all_of, talk

QUESTION = {"message": {"role": "user", "content": "Grüße?"}}
ANSWER = {"message": {"role": "assistant", "content": "Ja."}}


@pytest.fixture
def store(tmp_path: Path) -> SessionStore:
    return SessionStore(tmp_path / "chat")


def recorded(store: SessionStore, name: str = "trip") -> SessionFile:
    file = store.begin("small", name)
    file.append(QUESTION)
    file.append(ANSWER)
    return file


@pytest.mark.anyio
async def test_a_conversation_goes_on_where_it_was_left(store: SessionStore) -> None:
    history = History(record=store.begin("small", "trip").append)
    with ScriptedServer([says("one"), says("two")]) as server:
        async with talk(server, history=history) as conversation:
            await all_of(conversation.send("Hi"))
            await all_of(conversation.ask_again())
        again = store.load("trip")

    assert again.problems == ()
    assert again.model == "small"
    (turn,) = again.history.turns
    assert [message["content"] for message in turn.messages] == ["Hi", "two"]


def test_each_change_is_a_line_and_the_file_is_nobody_elses(store: SessionStore) -> None:
    path = recorded(store).path

    head, *changes = map(json.loads, path.read_text().splitlines())
    assert (head["mixvllm_chat"], head["model"]) == (1, "small")
    assert changes == [QUESTION, ANSWER]
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_no_file_is_made_before_something_is_said(store: SessionStore) -> None:
    store.begin("small", "trip")

    assert store.names() == []


def test_a_torn_line_is_told_kept_and_loses_nothing_else(store: SessionStore) -> None:
    file = recorded(store)
    with file.path.open("ab") as torn:
        torn.write(b'{"message": {"role": "us')
    SessionFile(file.path, "small").append(QUESTION)

    read = read_session(file.path)
    assert len(read.history.turns) == 2
    assert read.problems == (f"{file.path}:4: left out, since it is not JSON",)
    assert b'{"message": {"role": "us\n' in file.path.read_bytes()


def test_lines_that_are_no_changes_are_told(store: SessionStore) -> None:
    file = recorded(store)
    with file.path.open("ab") as other:
        other.write(b'{"what": 1}\n[]\n\xff\xfe\n\n')
    file.append(QUESTION)

    read = read_session(file.path)
    assert len(read.history.turns) == 2
    assert [problem.split(": ")[0] for problem in read.problems] == [
        f"{file.path}:{line}" for line in (4, 5, 6)
    ]


def test_a_change_that_cannot_be_written_ends_no_conversation(store: SessionStore) -> None:
    file = SessionFile(store.directory / "gone" / "trip.jsonl", "small")
    file.append(QUESTION)

    assert file.problem == f"{file.path} cannot be written: No such file or directory"


def test_the_newest_session_is_the_one_used_last(store: SessionStore) -> None:
    for age, name in enumerate(("new", "old", "older")):
        path = recorded(store, name).path
        os.utime(path, (1000 - age, 1000 - age))

    assert store.names() == ["new", "old", "older"]
    assert store.newest() == "new"


def test_without_any_session_there_is_none_to_continue(store: SessionStore) -> None:
    with pytest.raises(ChatError, match="no session to continue"):
        store.newest()


def test_a_session_that_is_not_there_is_told_with_the_nearest(store: SessionStore) -> None:
    recorded(store)
    with pytest.raises(ChatError, match="There is no session tripp") as caught:
        store.load("tripp")

    assert caught.value.hint == "Did you mean trip?"


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a b", "x" * 65, "ä", "a\n"])
def test_names_that_could_leave_the_directory_are_refused(store: SessionStore, name: str) -> None:
    with pytest.raises(ChatError, match="cannot be the name of a session"):
        store.load(name)


def test_sessions_without_a_name_are_named_by_their_time(store: SessionStore) -> None:
    names = set()
    for _ in range(3):
        file = store.begin("small")
        file.append(QUESTION)
        names.add(file.name)

    assert len(names) == 3
    assert set(store.names()) == names


def test_saving_copies_what_was_said_and_takes_no_name_twice(store: SessionStore) -> None:
    history = History()
    history.replay({"system": "Be brief."})
    history.replay(QUESTION)
    store.save(history, "small", "kept")

    read = store.load("kept").history
    assert (read.system, read.turns) == ("Be brief.", history.turns)
    with pytest.raises(ChatError, match="There is a session kept already"):
        store.save(history, "small", "kept")


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DirectoryError, match="Cannot write to"):
        SessionStore(tmp_path / "file" / "chat").begin("small")


def test_sessions_lie_in_the_users_state_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    assert SessionStore().directory == tmp_path / "mixvllm" / "chat"
