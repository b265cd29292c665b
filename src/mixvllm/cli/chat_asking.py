"""Questions that a chat asks its user: may this call run, which model is meant."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from mixvllm.chat.tools import Approval, Tool, ToolCall
from mixvllm.cli.chat_display import Display
from mixvllm.cli.chat_input import Interrupted, LineReader, choose_reader
from mixvllm.cli.chat_interruption import Interruption
from mixvllm.cli.output import Output
from mixvllm.render.chat import approval_question
from mixvllm.render.untrusted import harmless

ANSWERS = {"y": Approval.ONCE, "a": Approval.ALWAYS, "n": Approval.DENY}


class Asker:
    """Asks on the terminal, in the middle of an answer too."""

    def __init__(
        self, reader: LineReader, display: Display, interruption: Interruption, output: Output
    ) -> None:
        self._reader = reader
        self._display = display
        self._interruption = interruption
        self._output = output

    async def approve(self, call: ToolCall, tool: Tool) -> Approval:
        """Whether a call may run; the answer is stopped where the user presses Ctrl-C."""
        self._display.pause()
        try:
            return ANSWERS[await self._reader.ask(approval_question(call), tuple(ANSWERS))]
        except Interrupted:
            self._interruption.stop()
            await asyncio.sleep(0)  # where the cancellation arrives
            return Approval.DENY
        finally:
            self._display.resume()

    async def choose_model(self, names: Sequence[str]) -> str:
        """The model that is meant, by its number or its name."""
        self._output.say("The server has several models:")
        for number, name in enumerate(names, 1):
            self._output.err.print(f"  {number}  {harmless(name)}", markup=False)
        return await self._one_of(names)

    async def _one_of(self, names: Sequence[str]) -> str:
        while True:
            answer = (await self._reader.read_line("Which one? ")).strip()
            if answer.isdecimal() and 1 <= int(answer) <= len(names):
                return names[int(answer) - 1]
            if answer in names:
                return answer
            self._output.say(f"Write a number from 1 to {len(names)}, or a name; Ctrl-D leaves.")


def choose_asker(output: Output, display: Display, interruption: Interruption) -> Asker | None:
    """Who asks in a one-shot chat; nobody where there is no terminal to be asked on."""
    if sys.stdin is None or not sys.stdin.isatty() or not output.err.is_terminal:
        return None
    reader = choose_reader(output)
    interruption.interrupt_reading = reader.interrupt
    return Asker(reader, display, interruption, output)
