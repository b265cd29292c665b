"""Does what is sent fit the model's context, and how many of the oldest turns must go."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mixvllm.chat.api_client import ApiClient
from mixvllm.chat.api_errors import ApiError
from mixvllm.chat.history import History
from mixvllm.chat.messages import Message, tool_declaration
from mixvllm.chat.request import messages_to_send
from mixvllm.chat.served_model import ServedModel
from mixvllm.chat.tools import Tool

# What is kept free for an answer whose length is not set: so many tokens, or a part of the context.
ANSWER_TOKENS = 1024
ANSWER_PART = 4
# More than any template writes around a message, and around all of them.
TOKENS_PER_MESSAGE = 32
TOKENS_AROUND = 512


def room_for_answer(context_length: int, max_tokens: int | None) -> int:
    """The tokens of the context that the prompt must leave free."""
    if max_tokens is not None:
        return min(max_tokens, context_length - 1)
    return min(ANSWER_TOKENS, context_length // ANSWER_PART)


def surely_fits(
    messages: Sequence[Message], tools: Sequence[Mapping[str, Any]], limit: int
) -> bool:
    """Whether a prompt fits by its bytes alone, of which a token has at least one."""
    bytes_sent = len(json.dumps([list(messages), list(tools)], ensure_ascii=False).encode())
    return bytes_sent + TOKENS_PER_MESSAGE * len(messages) + TOKENS_AROUND <= limit


async def turns_to_leave_out(
    client: ApiClient,
    model: ServedModel,
    history: History,
    tools: Sequence[Tool],
    max_tokens: int | None,
) -> int:
    """How many of the oldest turns must be left out, by the server's own count of the tokens.

    The last turn is never left out. Where the server tells neither its limit nor its count, the
    answer is what is left out already: then the server's refusal tells (`conversation.py`).
    """
    if model.context_length is None:
        return history.left_out
    limit = model.context_length - room_for_answer(model.context_length, max_tokens)
    declared = [tool_declaration(tool) for tool in tools]
    fewest, most = history.left_out, len(history.turns) - 1
    if surely_fits(messages_to_send(history), declared, limit):
        return fewest
    probe = fewest
    while fewest < most:
        messages = messages_to_send(history, probe)
        try:
            count = await client.count_tokens(model.name, messages, declared)
        except ApiError:
            count = None
        if count is None:
            return history.left_out
        if count <= limit:
            most = probe
        else:
            fewest = probe + 1
        probe = (fewest + most) // 2
    return fewest
