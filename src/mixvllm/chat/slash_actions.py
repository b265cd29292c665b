"""What each slash command does with the conversation."""

from __future__ import annotations

from dataclasses import dataclass

from mixvllm.chat.conversation import Conversation
from mixvllm.chat.sampling import NAMES
from mixvllm.chat.served_model import choose_model
from mixvllm.chat.session_file import SessionFile
from mixvllm.chat.session_store import SessionStore
from mixvllm.chat.slash_outcomes import (
    AskAgain,
    EditText,
    Leave,
    Outcome,
    ShowServers,
    ShowTools,
    refused,
    told,
)

NOTHING_SAID = "Nothing was said yet."
SHOWN_SESSIONS = 20
SHOWN_TEXT = 60


@dataclass
class Desk:
    """What the commands work on.

    Attributes:
        conversation: The one that is held.
        sessions: Where conversations are kept.
        session: The file of this one, or None where it is not recorded.
    """

    conversation: Conversation
    sessions: SessionStore
    session: SessionFile | None = None

    def record_in(self, session: SessionFile) -> None:
        """Record the conversation in a file from now on."""
        self.session = session
        self.conversation.history.record = session.append


def model(desk: Desk, rest: str) -> Outcome:
    """`/model`: list the models, or talk to another."""
    conversation = desk.conversation
    if not rest:
        current = conversation.model
        return told(
            *(
                f"{'*' if each == current else ' '} {each.name}"
                + (f"  ({each.context_length} tokens)" if each.context_length else "")
                for each in conversation.models
            )
        )
    conversation.switch_to(choose_model(conversation.models, rest))
    return told(f"Talking to {rest}.")


def system(desk: Desk, rest: str) -> Outcome:
    """`/system`: show, set or drop the system prompt."""
    history = desk.conversation.history
    if not rest:
        return told(history.system or "There is no system prompt.")
    is_off = rest.lower() == "off"
    history.set_system(None if is_off else rest)
    return told("The system prompt is gone." if is_off else "The system prompt is set.")


def reset(desk: Desk, rest: str) -> Outcome:
    """`/reset`: forget what was said."""
    desk.conversation.history.clear()
    desk.conversation.last = None
    return told("All that was said is forgotten.")


def undo(desk: Desk, rest: str) -> Outcome:
    """`/undo`: take back the last message and its answer."""
    turn = desk.conversation.history.undo()
    if turn is None:
        return refused(NOTHING_SAID)
    return told(f"Taken back: {_short(turn.text)}")


def retry(desk: Desk, rest: str) -> Outcome:
    """`/retry`: ask the last message again."""
    return AskAgain() if desk.conversation.history.turns else refused(NOTHING_SAID)


def edit(desk: Desk, rest: str) -> Outcome:
    """`/edit`: change the last message and ask it again."""
    turns = desk.conversation.history.turns
    if not turns:
        return refused(NOTHING_SAID)
    return AskAgain(rest) if rest else EditText(turns[-1].text)


def save(desk: Desk, rest: str) -> Outcome:
    """`/save`: keep the conversation under a name, and go on there."""
    if not rest:
        return refused("A name is missing.", "Write it like: /save holidays")
    conversation = desk.conversation
    desk.record_in(desk.sessions.save(conversation.history, conversation.model.name, rest))
    return told(f"Saved as {rest}; `mixvllm chat --session {rest}` goes on with it.")


def load(desk: Desk, rest: str) -> Outcome:
    """`/load`: list the sessions, or go on with one."""
    if not rest:
        names = desk.sessions.names()
        more = len(names) - SHOWN_SESSIONS
        rest_of_them = (f"and {more} more",) if more > 0 else ()
        return told(*names[:SHOWN_SESSIONS], *rest_of_them) if names else told("There is none yet.")
    conversation = desk.conversation
    recorded = desk.sessions.load(rest)
    conversation.history = recorded.history
    conversation.last = None
    desk.record_in(desk.sessions.begin(conversation.model.name, rest))
    turns = len(recorded.history.turns)
    return told(f"Loaded {rest}: {turns} message{'' if turns == 1 else 's'}.", *recorded.problems)


def tools(desk: Desk, rest: str) -> Outcome:
    """`/tools`: show what the model may call."""
    return ShowTools()


def servers(desk: Desk, rest: str) -> Outcome:
    """`/mcp`: show the servers."""
    return ShowServers()


def set_sampling(desk: Desk, rest: str) -> Outcome:
    """`/set`: show or set how answers are drawn."""
    conversation = desk.conversation
    name, _, value = rest.partition(" ")
    if value:
        conversation.sampling = conversation.sampling.with_text(name, value.strip())
    given = conversation.sampling.as_body()
    shown = [name] if name else NAMES
    if name and name not in NAMES:  # words the refusal
        conversation.sampling.with_text(name, "")
    return told(*(f"{each}: {given.get(each, 'unset')}" for each in shown))


def tokens(desk: Desk, rest: str) -> Outcome:
    """`/tokens`: the figures of the last answer."""
    last = desk.conversation.last
    if last is None or last.prompt_tokens is None:
        return told("No tokens were counted yet.")
    answered = last.completion_tokens or 0
    used = last.prompt_tokens + answered
    length = last.context_length
    of_all = f" of {length} ({used / length:.0%})" if length else ""
    lines = [f"prompt {last.prompt_tokens}, answer {answered}; context {used}{of_all}"]
    if left_out := desk.conversation.history.left_out:
        lines.append(f"The oldest {left_out} messages are no longer sent: they do not fit.")
    return told(*lines)


def leave(desk: Desk, rest: str) -> Outcome:
    """`/exit`: leave."""
    return Leave()


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_TEXT else f"{line[:SHOWN_TEXT]}..."
