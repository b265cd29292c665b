"""The body of a request as ASGI messages: read in advance, and given again."""

from __future__ import annotations

from collections.abc import Callable

from mixvllm.server.engine import Message, Receive, Scope

# Looks at a whole body; gives the scope to go on with, or raises `RefusedBodyError`.
Inspection = Callable[[Scope, bytes], Scope]


class RefusedBodyError(Exception):
    """A body that no engine can use; the text is for the client."""


async def read_body(receive: Receive) -> list[Message]:
    """Every message up to the end of the body, or up to the client's going away."""
    messages = [await receive()]
    while is_unfinished(messages[-1]):
        messages.append(await receive())
    return messages


def is_unfinished(message: Message) -> bool:
    """Whether more of the body follows."""
    return message["type"] == "http.request" and bool(message.get("more_body", False))


def replay(messages: list[Message], receive: Receive) -> Receive:
    """A `receive` that gives the messages, then what really comes: `http.disconnect`."""
    waiting = iter(messages)

    async def replayed() -> Message:
        for message in waiting:
            return message
        return await receive()

    return replayed
