"""The body of a request, made of history, sampling settings and tools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mixvllm.chat.events import Failed
from mixvllm.chat.history import History
from mixvllm.chat.messages import Message, sendable, tool_declaration
from mixvllm.chat.sampling import Sampling
from mixvllm.chat.tools import Tool
from mixvllm.settings.names import nearest

CHOICES = ("auto", "none", "required")
CONNECT = "Connect a server that has one: --mcp-config FILE"


def messages_to_send(history: History, left_out: int | None = None) -> list[Message]:
    """The messages of a request: the system prompt, and the turns that still fit."""
    skipped = history.left_out if left_out is None else left_out
    system = [{"role": "system", "content": history.system}] if history.system else []
    turns = history.turns[skipped:]
    said = [
        sendable(message, with_reasoning=turn is turns[-1])
        for turn in turns
        for message in turn.messages
    ]
    return [*system, *said]


def choice_problem(choice: str | None, tools: Sequence[Tool]) -> Failed | None:
    """What is wrong with the tool that must be called; None where nothing is."""
    names = [tool.name for tool in tools]
    if choice is None or choice in names or (choice in CHOICES and (names or choice != "required")):
        return None
    if not names:
        return Failed("refused", f"No tool can be called, so `{choice}` cannot be.", CONNECT)
    near = nearest(choice, [*names, *CHOICES])
    listed = f"There are: {', '.join(names)}."
    hint = f"Did you mean {near}?" if near else listed
    return Failed("refused", f"There is no tool {choice}.", hint)


def chat_body(
    model: str,
    messages: Sequence[Message],
    sampling: Sampling,
    tools: Sequence[Tool],
    tool_choice: str | None = None,
    *,
    strict: bool = False,
) -> dict[str, Any]:
    """The body of a chat completion.

    Args:
        model: The model's name.
        messages: What was said.
        sampling: What the user set; the rest is the server's to choose.
        tools: What the model may call.
        tool_choice: `auto`, `none`, `required`, or the name of the one tool to call.
        strict: Whether the server is to hold the arguments of calls to their schema.
    """
    body: dict[str, Any] = {"model": model, "messages": list(messages), **sampling.as_body()}
    if tools:
        body["tools"] = [tool_declaration(tool, strict=strict) for tool in tools]
        if tool_choice in CHOICES:
            body["tool_choice"] = tool_choice
        elif tool_choice is not None:
            body["tool_choice"] = {"type": "function", "function": {"name": tool_choice}}
    return body
