"""A chat where nothing can be redrawn: the answer as it comes on stdout, words on stderr."""

from __future__ import annotations

from rich.console import Console

from mixvllm.chat.events import Event, ReasoningPiece, ServerLoading, TextPiece
from mixvllm.cli.chat_words import words_of
from mixvllm.render.chat import loading_line, reasoning_heading
from mixvllm.render.theme import ASIDE
from mixvllm.render.untrusted import harmless


class PlainDisplay:
    """Writes the events of one answer after another."""

    def __init__(
        self, out: Console, err: Console, *, hide_thinking: bool = False, hide_answer: bool = False
    ) -> None:
        """Write to two consoles.

        Args:
            out: Takes the answer; a file or a pipe gets it to the last character as it is.
            err: Takes everything else.
            hide_thinking: Leave the reasoning out.
            hide_answer: Leave the answer out: it is printed in another form when it is whole.
        """
        self._out = out
        self._err = err
        # A log of what was thought is of use to nobody; on a terminal it shows that work goes on.
        self._shows_thinking = err.is_terminal and not hide_thinking
        self._shows_answer = not hide_answer
        self._is_thinking = False
        self._ended_line = True
        self._phase: str | None = None

    def begin(self, waiting: str = "") -> None:
        """There is nothing that could move while something is waited for."""

    def show(self, event: Event) -> None:
        """Write an event."""
        match event:
            case TextPiece(text):
                self._end_thinking()
                self._answer(text)
            case ReasoningPiece(text):
                self._think(text)
            case ServerLoading(phase):
                if phase != self._phase:
                    self._phase = phase
                    self._err.print(loading_line(event), soft_wrap=True)
            case _:
                self._say(event)

    def tick(self) -> None:
        """There is nothing to redraw."""

    def pause(self) -> None:
        """End the line, so that others begin with one of their own."""
        self._end_thinking()
        self._end_line()

    def resume(self) -> None:
        """Go on after a pause."""

    def end(self) -> None:
        """The answer is over, by itself or not."""
        self.pause()

    def _answer(self, text: str) -> None:
        if not self._shows_answer or not text:
            return
        self._out.file.write(harmless(text) if self._out.is_terminal else text)
        self._out.file.flush()
        self._ended_line = text.endswith("\n")

    def _think(self, text: str) -> None:
        if not self._shows_thinking:
            return
        if not self._is_thinking:
            self._end_line()
            self._err.print(reasoning_heading())
            self._is_thinking = True
        self._err.out(harmless(text), style=ASIDE, end="", highlight=False)

    def _say(self, event: Event) -> None:
        words = words_of(event)
        if words:
            self._end_thinking()
            self._end_line()
        for renderable in words:
            self._err.print(renderable, soft_wrap=True)

    def _end_thinking(self) -> None:
        if self._is_thinking:
            self._is_thinking = False
            self._err.print("\n")

    def _end_line(self) -> None:
        if not self._ended_line:
            self._ended_line = True
            self._out.file.write("\n")
            self._out.file.flush()
