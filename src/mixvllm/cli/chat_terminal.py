"""A conversation on the terminal: read a message, draw its answer, until the user leaves."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from functools import partial

from rich.text import Text

from mixvllm.chat.events import Event
from mixvllm.chat.images import image_url
from mixvllm.chat.slash_actions import Desk
from mixvllm.chat.slash_commands import Candidate, as_text, candidates, is_command, run_command
from mixvllm.chat.slash_outcomes import AskAgain, EditText, Leave, ShowServers, ShowTools, Told
from mixvllm.cli.chat_asking import Asker
from mixvllm.cli.chat_begin import Begun, begun
from mixvllm.cli.chat_display import Display, choose_display, follow
from mixvllm.cli.chat_input import Interrupted, LineReader, can_edit, choose_reader
from mixvllm.cli.chat_interruption import Interruption, run_chat
from mixvllm.cli.chat_request import ChatRequest
from mixvllm.cli.chat_tty import typing_unseen
from mixvllm.cli.exit_status import ExitStatus
from mixvllm.cli.output import Output
from mixvllm.render.chat import greeting
from mixvllm.render.chat_servers import server_table, tool_table
from mixvllm.render.theme import NAME
from mixvllm.render.untrusted import harmless


def talk(request: ChatRequest, output: Output) -> int:
    """Hold a conversation until the user leaves.

    Raises:
        MixvllmError: it cannot begin.
    """
    return run_chat(partial(_talk, request, output))


async def _talk(request: ChatRequest, output: Output, interruption: Interruption) -> int:
    desks: list[Desk] = []

    def complete(line: str) -> Sequence[Candidate]:
        return candidates(line, desks[0]) if desks else ()

    reader = choose_reader(output, complete)
    interruption.interrupt_reading = reader.interrupt
    display = choose_display(output, plain=request.is_plain, hide_thinking=request.hide_thinking)
    asker = Asker(reader, display, interruption, output)
    images = [image_url(path) for path in request.images]
    try:
        async with (
            _typing_kept(output),
            begun(request, display, output, asker, records=True) as chat,
        ):
            desks.append(chat.desk)
            talker = Talker(chat, reader, display, interruption, output)
            await talker.talk(images)
    except (EOFError, Interrupted):
        pass  # asked which model, the user left
    return ExitStatus.DONE


@asynccontextmanager
async def _typing_kept(output: Output) -> AsyncIterator[None]:
    """What is typed between two messages is there for the next one, Enter included."""
    with typing_unseen() if can_edit(output) else nullcontext():
        yield


class Talker:
    """One conversation on one terminal."""

    def __init__(
        self,
        chat: Begun,
        reader: LineReader,
        display: Display,
        interruption: Interruption,
        output: Output,
    ) -> None:
        self._chat = chat
        self._reader = reader
        self._display = display
        self._interruption = interruption
        self._output = output
        self._told_of: str | None = None

    async def talk(self, images: Sequence[str]) -> None:
        """Read and answer until the user leaves; the images go with the first message."""
        conversation = self._chat.desk.conversation
        turns = len(conversation.history.turns)
        url = conversation.client.endpoint.base_url
        self._output.say(greeting(conversation.model, url, turns))
        while (line := await self._read()) is not None:
            if is_command(line):
                if not await self._command(line):
                    return
            elif line.strip():
                await self._answer(conversation.send(as_text(line), images))
                images = ()

    async def _read(self, text: str = "") -> str | None:
        """What the user types; None when that is all."""
        while True:
            try:
                return await self._reader.read(text)
            except EOFError:
                return None
            except Interrupted:
                if self._interruption.is_second():
                    return None
                self._output.say(Text("Ctrl-C again or Ctrl-D leaves."))

    async def _command(self, line: str) -> bool:
        """Do what a slash command says; False if it is to leave."""
        conversation = self._chat.desk.conversation
        match run_command(line, self._chat.desk):
            case Told(lines, is_error):
                for told in lines:
                    self._output.say(Text(harmless(told), style=NAME if is_error else ""))
            case AskAgain(text):
                await self._answer(conversation.ask_again(text))
            case EditText(text):
                edited = await self._read(text)
                if edited and edited.strip():
                    await self._answer(conversation.ask_again(edited))
            case ShowTools():
                always = conversation.permissions.always
                self._output.say(tool_table(conversation.tools(), always))
            case ShowServers():
                self._output.say(server_table(self._chat.states()))
            case Leave():
                return False
        return True

    async def _answer(self, events: AsyncGenerator[Event, None]) -> None:
        if not await self._interruption.run(follow(events, self._display)):
            self._output.say(Text("stopped; what came is kept"))
        file = self._chat.desk.session
        problem = file.problem if file is not None else None
        if problem is not None and problem != self._told_of:
            self._output.warn(f"this conversation is not recorded: {problem}")
        self._told_of = problem
