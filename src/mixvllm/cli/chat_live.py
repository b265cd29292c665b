"""A chat on a terminal that redraws: what is whole is printed, what is being written is live.

Only the last, open block is redrawn, and never more of it than the screen holds: everything else is
ordinary output, which stays in the terminal's scrollback as it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.segment import Segment
from rich.spinner import Spinner
from rich.text import Text

from mixvllm.chat.events import (
    CallBegun,
    CallPiece,
    CallRequested,
    Event,
    ReasoningPiece,
    ServerLoading,
    TextPiece,
)
from mixvllm.cli.chat_tty import typing_unseen
from mixvllm.cli.chat_words import words_of
from mixvllm.render.chat import call_line, loading_line, reasoning, reasoning_heading
from mixvllm.render.markdown import Markdown, blocks, whole_length
from mixvllm.render.theme import ASIDE
from mixvllm.render.untrusted import harmless

REDRAW_EVERY_S = 0.08
# Drawing may take this share of the time; a very long block is redrawn less often.
DRAWING_SHARE = 0.2
# Of the screen, so that the line before and the cursor's stay on it.
ROWS_LEFT = 2


class LiveDisplay:
    """Draws the events of one answer after another."""

    def __init__(self, console: Console, *, hide_thinking: bool = False) -> None:
        self._console = console
        self._hide_thinking = hide_thinking
        self._live: Live | None = None
        self._spinner = Spinner("dots" if console.encoding.startswith("utf") else "line")
        self._waiting: RenderableType = ""
        self._stream: _Stream | None = None
        self._calls: dict[int, tuple[str, str]] = {}
        self._needs_gap = False
        self._due_at = 0.0
        self._typing = ExitStack()

    def begin(self, waiting: str = "") -> None:
        """Show that something is waited for."""
        self._needs_gap = False
        self._waiting = Text(waiting, style=ASIDE)
        self._show_live()

    def show(self, event: Event) -> None:
        """Take in an event; pieces are drawn with the next `tick`."""
        match event:
            case TextPiece(text):
                self._written(_Stream(_answer_blocks, whole_length, "answer"), text)
            case ReasoningPiece(text):
                if not self._hide_thinking:
                    self._written(_Stream(_reasoning_blocks, _whole_lines, "reasoning"), text)
            case CallBegun(index, name):
                self._end_stream()
                self._calls[index] = (name, "")
            case CallPiece(index, text):
                name, before = self._calls.get(index, ("", ""))
                self._calls[index] = (name, before + text)
            case ServerLoading():
                self._waiting = loading_line(event)
            case _:
                self._waiting = ""
                self._end_stream()
                if isinstance(event, CallRequested):
                    self._calls.clear()  # it is whole, and printed as such
                self._end_calls()
                self._print(words_of(event), gap=isinstance(event, CallRequested))

    def tick(self) -> None:
        """Redraw if it is time to."""
        now = time.monotonic()
        if self._live is None or now < self._due_at:
            return
        if self._stream is not None:
            self._print_whole(self._stream)
        self._live.update(self._open(), refresh=True)
        took = time.monotonic() - now
        self._due_at = now + max(REDRAW_EVERY_S, took / DRAWING_SHARE)

    def pause(self) -> None:
        """Print what there is and leave the terminal to others."""
        self._end_stream()
        self._end_calls()
        if self._live is not None:
            self._live.update(Text(""))
            self._live.stop()
            self._live = None
            self._typing.close()

    def resume(self) -> None:
        """Go on after a pause."""
        self._show_live()

    def end(self) -> None:
        """The answer is over, by itself or not."""
        self.pause()

    def _show_live(self) -> None:
        if self._live is None:
            self._live = Live(
                console=self._console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
            self._typing.enter_context(typing_unseen())

    def _written(self, stream: _Stream, text: str) -> None:
        if self._stream is None or self._stream.kind != stream.kind:
            self._end_stream()
            self._stream = stream
            if stream.kind == "reasoning":
                self._print([reasoning_heading()], gap=True)
                self._needs_gap = False
        self._stream.text += harmless(text)

    def _print_whole(self, stream: _Stream) -> None:
        """Print the blocks that are finished; they are live no more."""
        length = stream.whole_length(stream.text)
        if length:
            whole, stream.text = stream.text[:length], stream.text[length:]
            self._print_blocks(stream.draw(whole), stream)

    def _end_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            self._print_blocks(stream.draw(stream.text), stream)
            self._needs_gap = True

    def _end_calls(self) -> None:
        """Print the calls that are written and go no further."""
        calls, self._calls = list(self._calls.values()), {}
        for name, arguments in calls:
            self._print([call_line(name, arguments)], gap=True)

    def _print_blocks(self, drawn: Sequence[RenderableType], stream: _Stream) -> None:
        for block in drawn:
            self._print([block], gap=stream.has_gaps)

    def _print(self, renderables: Sequence[RenderableType], *, gap: bool) -> None:
        """Print for good, above what is live."""
        if self._live is not None:
            self._live.update(self._open())
        for renderable in renderables:
            if gap and self._needs_gap:
                self._console.print()
            self._console.print(renderable)
            self._needs_gap = True

    def _open(self) -> RenderableType:
        """What is not finished: the block that is being written, else what is waited for."""
        drawn: list[RenderableType] = []
        if self._stream is not None and self._stream.text.strip():
            for block in self._stream.draw(self._stream.text):
                if self._stream.has_gaps and (drawn or self._needs_gap):
                    drawn.append("")
                drawn.append(block)
        elif self._calls:
            drawn = [call_line(name, written) for name, written in self._calls.values()]
        else:
            self._spinner.update(text=self._waiting)
            return self._spinner
        return _Tail(Group(*drawn))


class _Stream:
    """Text that is being written, less what was printed of it."""

    def __init__(
        self,
        draw: Callable[[str], Sequence[RenderableType]],
        whole_length: Callable[[str], int],
        kind: str,
    ) -> None:
        self.draw = draw
        self.whole_length = whole_length
        self.kind = kind
        self.has_gaps = kind == "answer"
        self.text = ""


def _answer_blocks(text: str) -> Sequence[RenderableType]:
    return [Markdown(block) for block in blocks(text)]


def _reasoning_blocks(text: str) -> Sequence[RenderableType]:
    return [reasoning(text)] if text.strip() else []


def _whole_lines(text: str) -> int:
    return text.rfind("\n") + 1


class _Tail:
    """As much of the end as the screen has room for."""

    def __init__(self, inner: RenderableType) -> None:
        self._inner = inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = console.render_lines(self._inner, options.update(height=None), pad=False)
        for index, line in enumerate(lines[-max(1, console.height - ROWS_LEFT) :]):
            if index:
                yield Segment.line()
            yield from line
