"""What a chat prints of the events that are no piece of a text, wherever it prints them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from mixvllm.chat.events import (
    Answered,
    CallFinished,
    CallRequested,
    Event,
    Failed,
    RoundsSpent,
    TurnsDropped,
)
from mixvllm.render.chat import (
    call_line,
    ending_note,
    failure_lines,
    figures_line,
    note,
    result_lines,
)
from mixvllm.render.theme import NOTE


def words_of(event: Event) -> Sequence[RenderableType]:
    """The lines of an event; none for the pieces of a text."""
    match event:
        case CallRequested(call):
            return [call_line(call.name, call.arguments)]
        case CallFinished(call, result, elapsed_s):
            return [result_lines(call, result, elapsed_s)]
        case TurnsDropped() | RoundsSpent():
            return [_note(note(event))]
        case Failed():
            return [failure_lines(event)]
        case Answered():
            ended = ending_note(event)
            return [*([_note(ended)] if ended else []), figures_line(event)]
        case _:
            return []


def _note(text: str) -> Text:
    return Text.assemble(("note: ", NOTE), text)
