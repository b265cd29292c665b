"""One streamed answer, put together from the documents of its stream."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mixvllm.chat.events import CallBegun, CallPiece, ReasoningPiece, TextPiece
from mixvllm.chat.tools import ToolCall

ReplyEvent = TextPiece | ReasoningPiece | CallBegun | CallPiece
# vLLM's name, then the one it had before, which others still use.
REASONING_NAMES = ("reasoning", "reasoning_content")


@dataclass
class _Call:
    """A tool call while it is written."""

    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


@dataclass
class Reply:
    """What has come of an answer so far.

    Attributes:
        finish_reason: Why it ended, once the server said so.
        prompt_tokens: By the server's own count, or None.
        completion_tokens: Likewise.
        first_token_s: Seconds from the request to the first piece, or None.
    """

    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    first_token_s: float | None = None
    _text: list[str] = field(default_factory=list)
    _reasoning: list[str] = field(default_factory=list)
    _calls: dict[int, _Call] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)

    @property
    def text(self) -> str:
        """The answer."""
        return "".join(self._text)

    @property
    def reasoning(self) -> str:
        """What the model thought."""
        return "".join(self._reasoning)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the request."""
        return time.monotonic() - self._began

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The calls in their order; each has an id of its own, whatever the server gave."""
        whole: dict[str, ToolCall] = {}
        for _, call in sorted(self._calls.items()):
            own = call.id if call.id and call.id not in whole else f"call-{uuid.uuid4().hex[:12]}"
            whole[own] = ToolCall(own, call.name, "".join(call.arguments))
            call.id = own
        return tuple(whole.values())

    def begin(self) -> None:
        """Count the time from now: the request is sent."""
        self._began = time.monotonic()

    def take(self, document: Mapping[str, Any]) -> Iterator[ReplyEvent]:
        """Add a document of the stream; give what is new in it."""
        self._count(document.get("usage"))
        for choice in document.get("choices") or ():
            if choice.get("finish_reason"):
                self.finish_reason = str(choice["finish_reason"])
            # Servers that do not stream give the whole message.
            delta = choice.get("delta") or choice.get("message") or {}
            for event in self._pieces(delta):
                if self.first_token_s is None:
                    self.first_token_s = self.elapsed_s
                yield event

    def _count(self, usage: Mapping[str, Any] | None) -> None:
        if usage:
            self.prompt_tokens = usage.get("prompt_tokens")
            self.completion_tokens = usage.get("completion_tokens")

    def _pieces(self, delta: Mapping[str, Any]) -> Iterator[ReplyEvent]:
        reasoning = next((delta[name] for name in REASONING_NAMES if delta.get(name)), None)
        if isinstance(reasoning, str):
            self._reasoning.append(reasoning)
            yield ReasoningPiece(reasoning)
        if text := delta.get("content"):
            self._text.append(text)
            yield TextPiece(text)
        for piece in delta.get("tool_calls") or ():
            yield from self._call_piece(piece)

    def _call_piece(self, piece: Mapping[str, Any]) -> Iterator[ReplyEvent]:
        index = self._index_of(piece)
        call = self._calls.setdefault(index, _Call())
        call.id = call.id or str(piece.get("id") or "")
        function = piece.get("function") or {}
        if (name := function.get("name")) and not call.name:
            call.name = str(name)
            yield CallBegun(index, call.name)
        if arguments := function.get("arguments"):
            text = arguments if isinstance(arguments, str) else json.dumps(arguments)
            call.arguments.append(text)
            yield CallPiece(index, text)

    def _index_of(self, piece: Mapping[str, Any]) -> int:
        """Which call a piece belongs to; servers that number none give each an id of its own."""
        index = piece.get("index")
        if isinstance(index, int):
            return index
        last = max(self._calls, default=-1)
        is_new = last < 0 or (piece.get("id") and piece["id"] != self._calls[last].id)
        return last + 1 if is_new else last
