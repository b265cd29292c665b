"""Reading lines as the terminal itself edits them, where it cannot do more (`TERM=dumb`)."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence

from rich.console import Console

from mixvllm.cli.chat_input import PROMPT, Interrupted
from mixvllm.cli.chat_tty import forget_typed

LINE_BYTES = 1 << 16


class PlainReader:
    """Lines as the terminal itself edits them (`TERM=dumb`)."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._line: asyncio.Future[bytes] | None = None

    async def read(self, text: str = "") -> str:
        """One line; what was there to be edited is shown above it."""
        if text:
            self._console.print(text, markup=False, soft_wrap=True)
        return await self.read_line(PROMPT)

    async def ask(self, question: str, keys: Sequence[str]) -> str:
        """The first letter of a line."""
        forget_typed()
        try:
            answer = (await self.read_line(question)).strip()[:1].lower()
        except EOFError:
            answer = ""
        return answer if answer in keys else keys[-1]

    def interrupt(self) -> bool:
        """End what is being read, as Ctrl-C does."""
        if self._line is None or self._line.done():
            return False
        self._line.set_exception(Interrupted())
        return True

    async def read_line(self, prompt: str) -> str:
        """One line."""
        self._console.print(prompt, end="", markup=False, soft_wrap=True)
        loop, stdin = asyncio.get_running_loop(), sys.stdin.fileno()
        line: asyncio.Future[bytes] = loop.create_future()
        self._line = line

        def take() -> None:
            loop.remove_reader(stdin)
            if not line.done():
                line.set_result(os.read(stdin, LINE_BYTES))

        loop.add_reader(stdin, take)
        try:
            data: bytes = await line
        finally:
            loop.remove_reader(stdin)
        if not data:
            raise EOFError
        return data.decode("utf-8", "replace").rstrip("\n")
