"""The messages of a conversation in OpenAI's shape, as requests and session files have them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mixvllm.chat.tools import Tool, ToolCall, ToolResult

Message = Mapping[str, Any]


def user_message(text: str, images: Sequence[str] = ()) -> Message:
    """What the user says, with images as data URLs."""
    if not images:
        return {"role": "user", "content": text}
    shown = [{"type": "image_url", "image_url": {"url": url}} for url in images]
    return {"role": "user", "content": [*shown, {"type": "text", "text": text}]}


def assistant_message(text: str, reasoning: str = "", calls: Sequence[ToolCall] = ()) -> Message:
    """What the model answered."""
    message: dict[str, Any] = {"role": "assistant", "content": text or None}
    if reasoning:
        message["reasoning"] = reasoning
    if calls:
        message["tool_calls"] = [_call_document(call) for call in calls]
    elif message["content"] is None:
        message["content"] = ""
    return message


def result_message(call: ToolCall, result: ToolResult) -> Message:
    """What a tool gave."""
    text = f"Error: {result.text}" if result.is_error else result.text
    return {"role": "tool", "tool_call_id": call.id, "content": text}


def tool_declaration(tool: Tool, *, strict: bool = False) -> dict[str, Any]:
    """A tool as requests tell of it.

    Args:
        tool: The tool.
        strict: Have the server hold the arguments to the schema while they are written. vLLM does
            so for any schema, and without it for none; OpenAI refuses most schemas that way.
    """
    function: dict[str, Any] = {"name": tool.name, "parameters": dict(tool.input_schema)}
    if tool.description:
        function["description"] = tool.description
    if strict:
        function["strict"] = True
    return {"type": "function", "function": function}


def text_of(message: Message) -> str:
    """The text of a message, without its images."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text", "")) for part in content if part.get("type") == "text")


def images_of(message: Message) -> tuple[str, ...]:
    """The images of a message, as data URLs."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return ()
    return tuple(part["image_url"]["url"] for part in content if part.get("type") == "image_url")


def calls_of(message: Message) -> tuple[ToolCall, ...]:
    """The tool calls of a message."""
    return tuple(
        ToolCall(call["id"], call["function"]["name"], call["function"]["arguments"])
        for call in message.get("tool_calls") or ()
    )


def sendable(message: Message, *, with_reasoning: bool) -> Message:
    """A message as it is sent.

    Reasoning goes back only in the turn that it belongs to. Arguments that are no JSON object are
    sent as an empty one, since servers read those of the history too and refuse what they cannot
    read; the result beside them says what was wrong.
    """
    sent = dict(message)
    if not with_reasoning:
        sent.pop("reasoning", None)
    if calls := calls_of(message):
        sent["tool_calls"] = [
            _call_document(replace(call, arguments="{}") if read_arguments(call) is None else call)
            for call in calls
        ]
    return sent


def read_arguments(call: ToolCall) -> dict[str, Any] | None:
    """The arguments of a call, or None where they are no JSON object."""
    try:
        read = json.loads(call.arguments or "{}")
    except ValueError:
        return None
    return read if isinstance(read, dict) else None


def _call_document(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}
