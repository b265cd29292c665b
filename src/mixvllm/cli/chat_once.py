"""One question, one answer: the answer alone on stdout, and an exit code that a script can use."""

from __future__ import annotations

import signal
from functools import partial
from typing import Any

from mixvllm.chat.events import (
    Answered,
    CallFinished,
    Event,
    Failed,
    ReasoningPiece,
    RoundsSpent,
    TextPiece,
)
from mixvllm.chat.images import image_url
from mixvllm.cli.chat_asking import choose_asker
from mixvllm.cli.chat_begin import begun
from mixvllm.cli.chat_display import choose_display, follow
from mixvllm.cli.chat_interruption import SIGNALLED, Interruption, run_chat
from mixvllm.cli.chat_request import ChatRequest
from mixvllm.cli.exit_status import ExitStatus
from mixvllm.cli.output import Output
from mixvllm.render.chat import note


class Outcome:
    """What came of a question."""

    def __init__(self) -> None:
        self.text = ""
        self.reasoning = ""
        self.calls: list[CallFinished] = []
        self.answered: Answered | None = None
        self.failed: Failed | None = None
        self.rounds: RoundsSpent | None = None

    def take(self, event: Event) -> None:
        """Keep what counts of an event."""
        match event:
            case TextPiece(text):
                self.text += text
            case ReasoningPiece(text):
                self.reasoning += text
            case CallFinished():
                # What was said before a call announced it; the answer is what follows the last.
                self.text = ""
                self.calls.append(event)
            case Answered():
                self.answered = event
            case Failed():
                self.failed = event
            case RoundsSpent():
                self.rounds = event
            case _:
                pass

    @property
    def status(self) -> ExitStatus:
        """Whether there is a whole answer."""
        is_whole = self.answered is not None and self.failed is None and self.rounds is None
        return ExitStatus.DONE if is_whole else ExitStatus.FAILED

    def as_json(self, model: str) -> dict[str, Any]:
        """The document of `--json`."""
        answered = self.answered
        return {
            "model": model,
            "answer": self.text,
            "reasoning": self.reasoning or None,
            "tool_calls": [_call_as_json(call) for call in self.calls],
            "finish_reason": answered.finish_reason if answered else None,
            "usage": {
                "prompt_tokens": answered.prompt_tokens if answered else None,
                "completion_tokens": answered.completion_tokens if answered else None,
                "context_length": answered.context_length if answered else None,
            },
            "first_token_s": answered.first_token_s if answered else None,
            "elapsed_s": answered.elapsed_s if answered else None,
            **self._error(),
        }

    def _error(self) -> dict[str, Any]:
        if self.failed is not None:
            message, hint = self.failed.message, self.failed.hint
        elif self.rounds is not None:
            message, hint = note(self.rounds), None
        else:
            return {}
        return {"error": {"message": message, "hint": hint, "code": None, "problems": []}}


def _call_as_json(finished: CallFinished) -> dict[str, Any]:
    return {
        "name": finished.call.name,
        "arguments": finished.call.arguments,
        "result": finished.result.text,
        "is_error": finished.result.is_error,
        "elapsed_s": finished.elapsed_s,
    }


def ask_once(request: ChatRequest, question: str, output: Output) -> int:
    """Ask a question and print its answer.

    Raises:
        MixvllmError: it could not be asked.
    """
    return run_chat(partial(_ask, request, question, output))


async def _ask(
    request: ChatRequest, question: str, output: Output, interruption: Interruption
) -> int:
    display = choose_display(output, plain=request.is_plain, hide_thinking=request.hide_thinking)
    asker = choose_asker(output, display, interruption)
    images = [image_url(path) for path in request.images]
    async with begun(request, display, output, asker, records=False) as chat:
        conversation, outcome = chat.desk.conversation, Outcome()
        events = conversation.send(question, images)
        if not await interruption.run(follow(events, display, outcome.take)):
            return SIGNALLED + signal.SIGINT
        if output.as_json:
            output.json(outcome.as_json(conversation.model.name))
        if outcome.calls and asker is None and not request.allow_all:
            output.note("nobody could be asked, so no tool ran; --yes lets them run")
        return outcome.status
