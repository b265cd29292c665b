"""Reading with prompt_toolkit: messages of several lines, history, completion, single keys."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mixvllm.cli.chat_input import PROMPT, Complete, Interrupted
from mixvllm.cli.chat_tty import forget_typed
from mixvllm.errors import writing_to

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import Completer
    from prompt_toolkit.key_binding import KeyBindings
    from prompt_toolkit.output import Output as TerminalOutput

CONTINUATION = "  "
PRIVATE = 0o600
PRIVATE_DIRECTORY = 0o700


class EditingReader:
    """Lines as prompt_toolkit edits them; it is loaded when something is read.

    Enter sends; Alt-Enter and Ctrl-J begin a new line, and pasted text keeps its lines.
    """

    def __init__(self, history: Path, complete: Complete) -> None:
        """Prepare to read.

        Args:
            history: The file that messages are remembered in.
            complete: What a line may go on with.
        """
        self._history = history
        self._complete = complete
        self._reading: PromptSession[str] | None = None

    @cached_property
    def _output(self) -> TerminalOutput:
        from prompt_toolkit.output import create_output

        # stdout may be a file (`| tee`): what is typed is seen on the terminal all the same.
        return create_output(always_prefer_tty=True)

    @cached_property
    def _messages(self) -> PromptSession[str]:
        """Raises: DirectoryError: the history cannot be written."""
        from prompt_toolkit import PromptSession
        from prompt_toolkit.history import FileHistory

        with writing_to(self._history.parent, "XDG_STATE_HOME"):
            self._history.parent.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
            os.close(os.open(self._history, os.O_CREAT | os.O_APPEND | os.O_WRONLY, PRIVATE))
        return PromptSession(
            history=FileHistory(str(self._history)),
            completer=_completer(self._complete),
            complete_while_typing=True,
            multiline=True,
            key_bindings=_message_keys(),
            prompt_continuation=CONTINUATION,
            output=self._output,
            interrupt_exception=Interrupted,
        )

    async def read(self, text: str = "") -> str:
        """One message."""
        return await self._run(self._messages, PROMPT, text)

    async def read_line(self, prompt: str) -> str:
        """One line."""
        from prompt_toolkit import PromptSession

        line: PromptSession[str] = PromptSession(
            output=self._output, interrupt_exception=Interrupted
        )
        return await self._run(line, prompt)

    async def ask(self, question: str, keys: Sequence[str]) -> str:
        """The key that was pressed; what was typed before the question does not count."""
        from prompt_toolkit import PromptSession

        forget_typed()
        asking: PromptSession[str] = PromptSession(
            key_bindings=_answer_keys(keys), output=self._output
        )
        return await self._run(asking, question)

    def interrupt(self) -> bool:
        """End what is being read, as Ctrl-C does."""
        if self._reading is None or not self._reading.app.is_running:
            return False
        self._reading.app.exit(exception=Interrupted())
        return True

    async def _run(self, session: PromptSession[str], prompt: str, text: str = "") -> str:
        self._reading = session
        try:
            # SIGINT stays the chat's: prompt_toolkit would take its handler away.
            return await session.prompt_async(prompt, default=text, handle_sigint=False)
        finally:
            self._reading = None


def _completer(complete: Complete) -> Completer:
    from prompt_toolkit.completion import CompleteEvent, Completer, Completion
    from prompt_toolkit.document import Document

    class LineCompleter(Completer):
        def get_completions(
            self, document: Document, complete_event: CompleteEvent
        ) -> Iterator[Completion]:
            for each in complete(document.text_before_cursor):
                yield Completion(each.text, -each.replaces, display_meta=each.summary)

    return LineCompleter()


def _message_keys() -> KeyBindings:
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

    keys = KeyBindings()

    @keys.add("enter")
    def send(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    @keys.add("escape", "enter")
    @keys.add("c-j")
    def begin_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys


def _answer_keys(allowed: Sequence[str]) -> KeyBindings:
    """One key answers; every other one, Enter and Ctrl-D included, is the last of those allowed."""
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
    from prompt_toolkit.keys import Keys

    keys = KeyBindings()

    @keys.add("<any>")
    @keys.add("enter")
    @keys.add("c-d")
    def answer(event: KeyPressEvent) -> None:
        pressed = event.data.lower()
        chosen = pressed if pressed in allowed else allowed[-1]
        event.current_buffer.text = chosen
        event.current_buffer.validate_and_handle()

    @keys.add("c-c")
    def interrupt(event: KeyPressEvent) -> None:
        event.app.exit(exception=Interrupted())

    # A paste is no answer to a question.
    keys.add(Keys.BracketedPaste)(lambda _: None)
    return keys
