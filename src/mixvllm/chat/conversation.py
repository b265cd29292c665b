"""A conversation: a message goes in, events come out, and the history keeps what was said."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from mixvllm.chat.api_client import ApiClient
from mixvllm.chat.asking import Asking
from mixvllm.chat.events import Answered, Event, Failed, RoundsSpent
from mixvllm.chat.history import History
from mixvllm.chat.limits import MOST_ROUNDS
from mixvllm.chat.messages import assistant_message, result_message, user_message
from mixvllm.chat.reply import Reply
from mixvllm.chat.sampling import Sampling
from mixvllm.chat.served_model import ServedModel
from mixvllm.chat.tool_round import Permissions, ToolRound
from mixvllm.chat.tool_settings import written_as_text
from mixvllm.chat.tools import Tool, Toolbox, ToolResult


class Conversation:
    """Talks with one model of one server.

    Closing the generator of an answer (or cancelling the task that reads it) stops the answer:
    the server is told, and what had come stays in the history.

    Attributes:
        client: The server.
        model: The model that is talked to.
        models: All that the server has.
        history: What was said.
        sampling: How answers are drawn.
        toolbox: What the model may call, or None.
        permissions: Which calls may run.
        most_rounds: How many rounds of calls a message may lead to.
        tool_choice: `auto`, `none`, `required` or a tool's name: what the first request after a
            message asks for; `none` holds for the later ones too.
        last: The figures of the last whole answer, or None.
    """

    def __init__(
        self,
        client: ApiClient,
        model: ServedModel,
        *,
        models: Sequence[ServedModel] = (),
        history: History | None = None,
        sampling: Sampling | None = None,
        toolbox: Toolbox | None = None,
        permissions: Permissions | None = None,
        most_rounds: int = MOST_ROUNDS,
        tool_choice: str | None = None,
    ) -> None:
        self.client = client
        self.model = model
        self.models = tuple(models) or (model,)
        self.history = history or History()
        self.sampling = sampling or Sampling()
        self.toolbox = toolbox
        self.permissions = permissions or Permissions()
        self.most_rounds = most_rounds
        self.tool_choice = tool_choice
        self.last: Answered | None = None

    def tools(self) -> tuple[Tool, ...]:
        """What the model may call now."""
        return tuple(self.toolbox.tools()) if self.toolbox else ()

    def switch_to(self, model: ServedModel) -> None:
        """Talk to another model from now on, which may take more of what was said."""
        self.model = model
        self.history.left_out = 0
        self.last = None

    async def send(self, text: str, images: Sequence[str] = ()) -> AsyncGenerator[Event, None]:
        """Say something and give what happens until the answer is whole.

        A message that never got an answer makes way for this one.

        Args:
            text: What the user says.
            images: Data URLs (`images.py`).
        """
        if self.history.turns and not self.history.turns[-1].is_answered:
            self.history.undo()
        self.history.add(user_message(text, images))
        async with aclosing(self._answer()) as events:
            async for event in events:
                yield event

    async def ask_again(self, text: str | None = None) -> AsyncGenerator[Event, None]:
        """Take the last turn back and say it again, with another text if one is given.

        Nothing happens where nothing was said.
        """
        turn = self.history.undo()
        if turn is None:
            return
        async with aclosing(self.send(turn.text if text is None else text, turn.images)) as events:
            async for event in events:
                yield event

    async def _answer(self) -> AsyncGenerator[Event, None]:
        """Requests and rounds of calls in turn, until the model calls no more."""
        choice = self.tool_choice
        for made in range(self.most_rounds + 1):
            reply = Reply()
            async with aclosing(self._reply(reply, choice)) as events:
                async for event in events:
                    yield event
                    if isinstance(event, Failed):
                        return
            if not reply.calls:
                for last in self._ends(reply, choice):
                    yield last
                return
            if made == self.most_rounds:
                self._leave_uncalled(reply)
                yield RoundsSpent(self.most_rounds)
                return
            async with aclosing(self._run_calls(reply)) as events:
                async for event in events:
                    yield event
            choice = choice if choice == "none" else None

    async def _reply(self, reply: Reply, choice: str | None) -> AsyncGenerator[Event, None]:
        """One request; whatever ends it, the history keeps what came."""
        asking = Asking(self.client, self.model, self.history, self.sampling, self.tools(), choice)
        is_whole = False
        try:
            async with aclosing(asking.events(reply)) as events:
                async for event in events:
                    yield event
                    if isinstance(event, Failed):
                        return
            is_whole = True
        finally:
            # Calls of an answer that broke off may be half written.
            calls = reply.calls if is_whole else ()
            if reply.text or reply.reasoning or calls or is_whole:
                self.history.add(assistant_message(reply.text, reply.reasoning, calls))

    async def _run_calls(self, reply: Reply) -> AsyncGenerator[Event, None]:
        round_ = ToolRound(reply.calls, self.toolbox, self.permissions)
        try:
            async with aclosing(round_.run()) as events:
                async for event in events:
                    yield event
        finally:
            for message in round_.messages():
                self.history.add(message)

    def _leave_uncalled(self, reply: Reply) -> None:
        unasked = ToolResult("Not called: too many rounds of calls.", is_error=True)
        for call in reply.calls:
            self.history.add(result_message(call, unasked))

    def _ends(self, reply: Reply, choice: str | None) -> tuple[Event, ...]:
        """The end of a whole answer, and a word on a call that was written as text."""
        self.last = Answered(
            finish_reason=reply.finish_reason,
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
            context_length=self.model.context_length,
            first_token_s=reply.first_token_s,
            elapsed_s=reply.elapsed_s,
        )
        offered = self.tools() if choice != "none" else ()
        unread = written_as_text(self.model, reply.text, offered)
        return (self.last, unread) if unread else (self.last,)
