"""What a slash command comes to; the terminal does it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Told:
    """Lines for the user; `is_error` where the command could not do what was asked."""

    lines: tuple[str, ...]
    is_error: bool = False


@dataclass(frozen=True)
class AskAgain:
    """The last message is to be asked again (`Conversation.ask_again`), with this text if any."""

    text: str | None = None


@dataclass(frozen=True)
class EditText:
    """The user edits this text; what comes of it goes to `Conversation.ask_again`."""

    text: str


@dataclass(frozen=True)
class ShowTools:
    """The tools are to be shown."""


@dataclass(frozen=True)
class ShowServers:
    """The MCP servers are to be shown, with their state."""


@dataclass(frozen=True)
class Leave:
    """The user leaves."""


Outcome = Told | AskAgain | EditText | ShowTools | ShowServers | Leave


def told(*lines: str) -> Told:
    """Lines for the user."""
    return Told(lines)


def refused(*lines: str | None) -> Told:
    """Why it cannot be done, and what can."""
    return Told(tuple(line for line in lines if line), is_error=True)
