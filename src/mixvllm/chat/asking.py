"""One request for an answer: trimmed to fit, repeated when the server was not ready or too full."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from mixvllm.chat.api_client import ApiClient
from mixvllm.chat.api_errors import ApiError
from mixvllm.chat.connecting import POLL_S, loading_phase, wait_until_ready
from mixvllm.chat.context import turns_to_leave_out
from mixvllm.chat.events import Event, Failed, ServerLoading, TurnsDropped
from mixvllm.chat.history import History
from mixvllm.chat.reply import Reply
from mixvllm.chat.request import chat_body, choice_problem, messages_to_send
from mixvllm.chat.sampling import Sampling
from mixvllm.chat.served_model import ServedModel
from mixvllm.chat.tool_settings import tools_off
from mixvllm.chat.tools import Tool
from mixvllm.chat.wording import failure_of, is_schema_refused, is_too_long, is_tools_off
from mixvllm.errors import ChatError

# A server that says that it is ready, and that it is not, is believed so many times.
MOST_WAITS = 20


@dataclass
class Asking:
    """What is asked, of whom.

    Attributes:
        client: The server.
        model: Its model.
        history: What was said; its `left_out` grows where the context is too small for all.
        sampling: How the answer is drawn.
        tools: What may be called.
        tool_choice: What must be called, or None.
        strict: Whether the server holds the arguments of calls to their schema; no more once it
            could not make a grammar of one.
    """

    client: ApiClient
    model: ServedModel
    history: History
    sampling: Sampling
    tools: tuple[Tool, ...]
    tool_choice: str | None
    strict: bool = field(init=False)

    def __post_init__(self) -> None:
        self.strict = self.model.is_of_vllm

    async def events(self, reply: Reply) -> AsyncGenerator[Event, None]:
        """Ask, and put the answer into `reply`; `Failed` comes last where there is none."""
        if problem := choice_problem(self.tool_choice, self.tools):
            yield problem
            return
        needed = await turns_to_leave_out(
            self.client, self.model, self.history, self.tools, self.sampling.max_tokens
        )
        if needed > self.history.left_out:
            yield self._leave_out(needed)
        for attempt in itertools.count():
            try:
                async with aclosing(self._stream(reply)) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except ApiError as error:
                refused = error
            if reply.first_token_s is not None:  # what came cannot be taken back
                yield failure_of(refused)
                return
            async with aclosing(self._mend(refused, attempt)) as events:
                async for event in events:
                    yield event
                    if isinstance(event, Failed):
                        return

    async def _mend(self, error: ApiError, attempt: int) -> AsyncGenerator[Event, None]:
        """Do what lets the request be sent again; `Failed` comes last where there is nothing."""
        if is_too_long(error) and self.history.left_out < len(self.history.turns) - 1:
            yield self._leave_out(self.history.left_out + 1)
        elif attempt < MOST_WAITS and loading_phase(error):
            if attempt:
                await asyncio.sleep(POLL_S)
            async with aclosing(self._wait()) as events:
                async for event in events:
                    yield event
        elif self.strict and is_schema_refused(error):
            self.strict = False
        elif is_tools_off(error) and self.tools:
            yield tools_off(self.model)
        else:
            yield failure_of(error)

    async def _stream(self, reply: Reply) -> AsyncGenerator[Event, None]:
        messages = messages_to_send(self.history)
        body = chat_body(
            self.model.name,
            messages,
            self.sampling,
            self.tools,
            self.tool_choice,
            strict=self.strict,
        )
        reply.begin()
        async with aclosing(self.client.chat(body)) as documents:
            async for document in documents:
                for event in reply.take(document):
                    yield event

    def _leave_out(self, turns: int) -> TurnsDropped:
        dropped = turns - self.history.left_out
        self.history.left_out = turns
        return TurnsDropped(dropped)

    async def _wait(self) -> AsyncGenerator[ServerLoading | Failed, None]:
        try:
            async with aclosing(wait_until_ready(self.client)) as steps:
                async for step in steps:
                    if isinstance(step, ServerLoading):
                        yield step
        except ChatError as error:
            yield Failed("unreachable", error.message, error.hint)
