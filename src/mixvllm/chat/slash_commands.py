"""The commands that begin with a slash: a table, how a line is read by it, and completion."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mixvllm.chat import slash_actions as actions
from mixvllm.chat.sampling import NAMES
from mixvllm.chat.slash_actions import Desk
from mixvllm.chat.slash_outcomes import Outcome, refused, told
from mixvllm.errors import MixvllmError
from mixvllm.settings.names import nearest

SIGN = "/"
# `/etc/passwd is ...` is text, and so is everything after a doubled slash.
COMMAND = re.compile(r"/(?P<name>[A-Za-z?-]*)(?:\s+(?P<rest>.*))?", re.DOTALL)


@dataclass(frozen=True)
class SlashCommand:
    """One command.

    Attributes:
        name: With its slash.
        usage: What may follow it, as help shows it.
        summary: One line.
        act: What it does with what follows it.
        values: What may follow it, for completion.
    """

    name: str
    usage: str
    summary: str
    act: Callable[[Desk, str], Outcome]
    values: Callable[[Desk], Iterable[str]] = lambda desk: ()


@dataclass(frozen=True)
class Candidate:
    """A completion of what was typed.

    Attributes:
        text: What may stand instead of the last `replaces` characters.
        replaces: How much of the line it takes the place of.
        summary: What it means, or nothing.
    """

    text: str
    replaces: int
    summary: str = ""


def show_help(desk: Desk, rest: str) -> Outcome:
    """`/help`: every command, or the one that is named."""
    wanted = SIGN + rest.strip().removeprefix(SIGN)
    shown = [command for command in COMMANDS if wanted in (SIGN, command.name)]
    if not shown:
        return unknown(wanted)
    lefts = [f"{command.name} {command.usage}".rstrip() for command in shown]
    width = max(map(len, lefts))
    return told(
        *(f"{left:<{width}}  {each.summary}" for left, each in zip(lefts, shown, strict=True))
    )


COMMANDS: tuple[SlashCommand, ...] = (
    SlashCommand(
        "/help",
        "[COMMAND]",
        "Show the commands.",
        show_help,
        lambda desk: (command.name.removeprefix(SIGN) for command in COMMANDS),
    ),
    SlashCommand(
        "/model",
        "[NAME]",
        "Show the server's models, or talk to another.",
        actions.model,
        lambda desk: (model.name for model in desk.conversation.models),
    ),
    SlashCommand("/system", "[TEXT | off]", "Show or set the system prompt.", actions.system),
    SlashCommand("/reset", "", "Forget what was said; the system prompt stays.", actions.reset),
    SlashCommand("/undo", "", "Take back the last message and its answer.", actions.undo),
    SlashCommand("/retry", "", "Ask the last message again.", actions.retry),
    SlashCommand("/edit", "[TEXT]", "Change the last message and ask it again.", actions.edit),
    SlashCommand("/save", "NAME", "Keep this conversation under a name.", actions.save),
    SlashCommand(
        "/load",
        "[NAME]",
        "List the sessions, or go on with one.",
        actions.load,
        lambda desk: desk.sessions.names(),
    ),
    SlashCommand("/tools", "", "Show what the model may call.", actions.tools),
    SlashCommand("/mcp", "", "Show the MCP servers and their state.", actions.servers),
    SlashCommand(
        "/set",
        "[NAME [VALUE | unset]]",
        "Show or set sampling values.",
        actions.set_sampling,
        lambda desk: NAMES,
    ),
    SlashCommand("/tokens", "", "Show the tokens of the last answer.", actions.tokens),
    SlashCommand("/exit", "", "Leave; so do Ctrl-D and Ctrl-C twice.", actions.leave),
)
BY_NAME = {command.name: command for command in COMMANDS}
ALIASES = {"/quit": "/exit", "/?": "/help", "/clear": "/reset"}


def is_command(line: str) -> bool:
    """Whether a line is a command, and no text for the model."""
    return COMMAND.fullmatch(line.strip()) is not None


def as_text(line: str) -> str:
    """A line as it is sent to the model: a doubled slash at its beginning stands for one."""
    return line[1:] if line.startswith(2 * SIGN) else line


def run_command(line: str, desk: Desk) -> Outcome:
    """Do what a line that is a command says; what cannot be done is told, never raised."""
    found = COMMAND.fullmatch(line.strip())
    assert found is not None, "the caller asks is_command first"
    name = SIGN + found["name"].lower()
    command = BY_NAME.get(ALIASES.get(name, name))
    if command is None:
        return unknown(name)
    try:
        return command.act(desk, (found["rest"] or "").strip())
    except MixvllmError as error:
        return refused(error.message, error.hint)


def unknown(name: str) -> Outcome:
    """There is no such command; perhaps another was meant."""
    # The slash that all begin with makes none of them nearer.
    words = [each.removeprefix(SIGN) for each in (*BY_NAME, *ALIASES)]
    near = nearest(name.removeprefix(SIGN), words)
    return refused(
        f"There is no command {name}." if name != SIGN else "A command is missing after the slash.",
        f"Did you mean {SIGN}{near}?" if near and name != SIGN else "/help lists the commands.",
    )


def candidates(line: str, desk: Desk) -> list[Candidate]:
    """What the line may go on with: names of commands, then what they take."""
    if not line.startswith(SIGN) or line.startswith(2 * SIGN):
        return []
    name, space, rest = line.partition(" ")
    if not space:
        begun = (command for command in COMMANDS if command.name.startswith(name.lower()))
        return [Candidate(each.name, len(name), each.summary) for each in begun]
    command = BY_NAME.get(name.lower())
    if command is None or " " in rest:
        return []
    return [Candidate(value, len(rest)) for value in command.values(desk) if value.startswith(rest)]
