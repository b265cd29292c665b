"""What the user types in a chat: messages, and answers to a question."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from typing import Protocol

from mixvllm.chat.slash_commands import Candidate
from mixvllm.cli.output import Output
from mixvllm.directories import state_directory
from mixvllm.errors import InstallationError

PROMPT = "> "
HISTORY_FILE = "chat_history"
# What a line may go on with.
Complete = Callable[[str], Iterable[Candidate]]


class Interrupted(Exception):
    """Ctrl-C; asyncio would end with a KeyboardInterrupt, and this one only ends a line."""


class LineReader(Protocol):
    """Reads what the user types."""

    async def read(self, text: str = "") -> str:
        """One message; `text` is there to be edited.

        Raises:
            EOFError: the user is done (Ctrl-D).
            Interrupted: Ctrl-C.
        """

    async def read_line(self, prompt: str) -> str:
        """One line that is no message: it goes into no history.

        Raises:
            EOFError: the user is done (Ctrl-D).
            Interrupted: Ctrl-C.
        """

    async def ask(self, question: str, keys: Sequence[str]) -> str:
        """The key that answers a question, the last one where the answer is none of them.

        Raises:
            Interrupted: Ctrl-C.
        """

    def interrupt(self) -> bool:
        """End what is being read with `Interrupted`; False where nothing is."""


def can_edit(output: Output) -> bool:
    """Whether the terminal can do more than show lines."""
    return output.err.is_terminal and not output.err.is_dumb_terminal


def choose_reader(output: Output, complete: Complete = lambda line: ()) -> LineReader:
    """Editing, history and completion on a terminal that can; else plain lines.

    Args:
        output: Where questions are asked.
        complete: What a line may go on with.

    Raises:
        InstallationError: prompt_toolkit is missing.
    """
    if not can_edit(output):
        from mixvllm.cli.chat_plain_input import PlainReader

        return PlainReader(output.err)
    if find_spec("prompt_toolkit") is None:
        raise InstallationError(
            "`mixvllm chat` needs the package `prompt_toolkit`, which is not installed.",
            hint="pip install 'mixvllm[chat]'",
            code="chat-extra-missing",
        )
    from mixvllm.cli.chat_editing import EditingReader

    return EditingReader(state_directory() / HISTORY_FILE, complete)
