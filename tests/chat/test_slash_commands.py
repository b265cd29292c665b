"""Slash commands: a table, what each does, and what may be typed next."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mixvllm.chat.api_client import ApiClient
from mixvllm.chat.conversation import Conversation
from mixvllm.chat.endpoint import endpoint_at
from mixvllm.chat.events import Answered
from mixvllm.chat.sampling import Sampling
from mixvllm.chat.served_model import ServedModel
from mixvllm.chat.session_store import SessionStore
from mixvllm.chat.slash_actions import Desk
from mixvllm.chat.slash_commands import COMMANDS, as_text, candidates, is_command, run_command
from mixvllm.chat.slash_outcomes import (
    AskAgain,
    EditText,
    Leave,
    ShowServers,
    ShowTools,
    Told,
)

pytestmark = pytest.mark.anyio
SMALL, LARGE = ServedModel("small", 4096), ServedModel("large", 9000)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A conversation in which one question was answered; no request is sent."""
    async with ApiClient(endpoint_at("http://127.0.0.1:1")) as client:
        conversation = Conversation(client, SMALL, models=(SMALL, LARGE))
        conversation.history.add({"role": "user", "content": "What is it?"})
        conversation.history.add({"role": "assistant", "content": "A cat."})
        yield Desk(conversation, SessionStore(tmp_path))


def said(desk: Desk, line: str) -> str:
    outcome = run_command(line, desk)
    assert isinstance(outcome, Told)
    assert not outcome.is_error
    return "\n".join(outcome.lines)


def refusal(desk: Desk, line: str) -> tuple[str, ...]:
    outcome = run_command(line, desk)
    assert isinstance(outcome, Told)
    assert outcome.is_error
    return outcome.lines


async def test_every_command_of_the_contract_is_in_the_table_and_in_help(desk: Desk) -> None:
    names = [command.name for command in COMMANDS]
    assert " ".join(names) == (
        "/help /model /system /reset /undo /retry /edit /save /load /tools /mcp /set /tokens /exit"
    )
    assert [line.split()[0] for line in said(desk, "/help").splitlines()] == names
    assert said(desk, "/help undo") == "/undo  Take back the last message and its answer."


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        ("/help", True),
        (" /help ", True),
        ("/", True),
        ("/hlep me", True),
        ("/system one\ntwo", True),
        ("/etc/passwd is what?", False),
        ("//help", False),
        ("a /help", False),
    ],
)
async def test_a_line_is_a_command_or_text(line: str, is_one: bool) -> None:
    assert is_command(line) is is_one


async def test_a_doubled_slash_begins_text_with_one() -> None:
    assert as_text("//help") == "/help"
    assert as_text("half/half") == "half/half"


async def test_what_is_no_command_is_told_with_the_nearest(desk: Desk) -> None:
    assert refusal(desk, "/hlep") == ("There is no command /hlep.", "Did you mean /help?")
    assert refusal(desk, "/nope")[1] == "/help lists the commands."
    assert refusal(desk, "/xyzzy") == ("There is no command /xyzzy.", "/help lists the commands.")
    assert refusal(desk, "/")[0] == "A command is missing after the slash."
    assert refusal(desk, "/help xyzzy")[0] == "There is no command /xyzzy."


async def test_the_model_is_shown_and_changed(desk: Desk) -> None:
    assert said(desk, "/model") == "* small  (4096 tokens)\n  large  (9000 tokens)"
    assert said(desk, "/model large") == "Talking to large."
    assert desk.conversation.model == LARGE
    assert refusal(desk, "/model lrage")[1] == "Did you mean large?"


async def test_the_system_prompt_is_shown_set_and_dropped(desk: Desk) -> None:
    history = desk.conversation.history
    assert said(desk, "/system") == "There is no system prompt."
    said(desk, "/system Be brief.\nAnd kind.")
    assert history.system == said(desk, "/system") == "Be brief.\nAnd kind."
    said(desk, "/system off")
    assert history.system is None


async def test_turns_are_taken_back_and_forgotten(desk: Desk) -> None:
    assert said(desk, "/undo") == "Taken back: What is it?"
    assert refusal(desk, "/undo") == ("Nothing was said yet.",)
    said(desk, "/reset")
    assert desk.conversation.history.turns == []


async def test_the_last_message_is_asked_again_or_edited(desk: Desk) -> None:
    assert run_command("/retry", desk) == AskAgain()
    assert run_command("/edit", desk) == EditText("What is it?")
    assert run_command("/edit Who is it?", desk) == AskAgain("Who is it?")
    said(desk, "/reset")
    for line in ("/retry", "/edit", "/edit x"):
        assert refusal(desk, line) == ("Nothing was said yet.",)


async def test_conversations_are_saved_and_loaded(desk: Desk) -> None:
    assert refusal(desk, "/save")[0] == "A name is missing."
    assert said(desk, "/load") == "There is none yet."
    assert said(desk, "/save cat").startswith("Saved as cat;")
    desk.conversation.history.add({"role": "user", "content": "More"})
    said(desk, "/reset")

    assert said(desk, "/load") == "cat"
    assert said(desk, "/load cat") == "Loaded cat: 0 messages."
    assert refusal(desk, "/save cat")[0] == "There is a session cat already."
    assert refusal(desk, "/load dog")[0] == "There is no session dog."
    assert refusal(desk, "/save ../x")[0] == "'../x' cannot be the name of a session."


async def test_what_is_loaded_is_recorded_further(desk: Desk) -> None:
    said(desk, "/save cat")
    said(desk, "/load cat")
    desk.conversation.history.add({"role": "user", "content": "More"})

    assert [turn.text for turn in desk.sessions.load("cat").history.turns] == [
        "What is it?",
        "More",
    ]


async def test_what_is_broken_in_a_session_is_told(desk: Desk) -> None:
    said(desk, "/save cat")
    assert desk.session is not None
    with desk.session.path.open("a") as file:
        file.write("broken\n")

    assert "cat.jsonl:4: left out, since it is not JSON" in said(desk, "/load cat")


async def test_sampling_is_shown_set_and_unset(desk: Desk) -> None:
    assert said(desk, "/set temperature 0.5") == "temperature: 0.5"
    assert desk.conversation.sampling == Sampling(temperature=0.5)
    assert "top_p: unset" in said(desk, "/set")
    assert said(desk, "/set temperature") == "temperature: 0.5"
    assert said(desk, "/set temperature unset") == "temperature: unset"
    assert refusal(desk, "/set temperature 9")[0].startswith("temperature must be a number")
    assert refusal(desk, "/set temprature")[1] == "Did you mean temperature?"


async def test_tokens_of_the_last_answer_are_shown_with_the_context(desk: Desk) -> None:
    assert said(desk, "/tokens") == "No tokens were counted yet."
    desk.conversation.last = Answered("stop", 90, 10, 1000, 0.1, 1.0)
    desk.conversation.history.left_out = 2
    assert said(desk, "/tokens").splitlines() == [
        "prompt 90, answer 10; context 100 of 1000 (10%)",
        "The oldest 2 messages are no longer sent: they do not fit.",
    ]


async def test_some_commands_are_for_the_terminal_to_do(desk: Desk) -> None:
    assert run_command("/tools", desk) == ShowTools()
    assert run_command("/mcp", desk) == ShowServers()
    assert run_command("/exit", desk) == run_command("/QUIT", desk) == Leave()


async def test_completion_gives_commands_then_what_they_take(desk: Desk) -> None:
    def shown(line: str) -> list[str]:
        return [candidate.text for candidate in candidates(line, desk)]

    assert shown("/re") == ["/reset", "/retry"]
    assert shown("/model ") == ["small", "large"]
    assert shown("/set top") == ["top_p", "top_k"]
    assert shown("/help s") == ["system", "save", "set"]
    assert candidates("/set temp", desk)[0].replaces == 4
    for line in ("", "Hi", "//re", "/etc/pass", "/nothing ", "/set temperature 0"):
        assert shown(line) == []
    said(desk, "/save cat")
    assert shown("/load ") == ["cat"]
