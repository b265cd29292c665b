"""What happens while a message is answered, in the order in which it happens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mixvllm.chat.tools import ToolCall, ToolResult

FailureKind = Literal["unreachable", "refused", "cut_off", "engine", "tools_off", "too_long"]


@dataclass(frozen=True)
class ServerLoading:
    """The server is there, and not ready; it is asked again until it is."""

    phase: str
    elapsed_s: float
    progress: str | None = None


@dataclass(frozen=True)
class TextPiece:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True)
class ReasoningPiece:
    """A piece of what the model thinks before it answers."""

    text: str


@dataclass(frozen=True)
class CallBegun:
    """The model began to write a tool call; `index` tells parallel ones apart."""

    index: int
    name: str


@dataclass(frozen=True)
class CallPiece:
    """A piece of a call's arguments."""

    index: int
    text: str


@dataclass(frozen=True)
class CallRequested:
    """A whole call, before anybody is asked whether it may run."""

    call: ToolCall


@dataclass(frozen=True)
class CallFinished:
    """A call ran, was denied, or could not run; `result` goes back to the model."""

    call: ToolCall
    result: ToolResult
    elapsed_s: float


@dataclass(frozen=True)
class TurnsDropped:
    """The oldest turns were left out, so that the rest fits the model's context."""

    turns: int


@dataclass(frozen=True)
class RoundsSpent:
    """The model still calls tools after this many rounds; it is asked no further."""

    limit: int


@dataclass(frozen=True)
class Failed:
    """The answer could not be had, or not to its end; what was shown of it is kept."""

    kind: FailureKind
    message: str
    hint: str | None = None


@dataclass(frozen=True)
class Answered:
    """The answer is whole (or was ended by its limit).

    Attributes:
        finish_reason: vLLM's: `stop`, `length`, ...; None where the server gave none.
        prompt_tokens: Tokens of everything that was sent, by the server; None if not told.
        completion_tokens: Tokens of the answer, reasoning included.
        context_length: The model's limit of tokens, or None.
        first_token_s: Seconds from the request to the first piece.
        elapsed_s: Seconds from the request to the end.
    """

    finish_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    context_length: int | None
    first_token_s: float | None
    elapsed_s: float


Event = (
    ServerLoading
    | TextPiece
    | ReasoningPiece
    | CallBegun
    | CallPiece
    | CallRequested
    | CallFinished
    | TurnsDropped
    | RoundsSpent
    | Failed
    | Answered
)
