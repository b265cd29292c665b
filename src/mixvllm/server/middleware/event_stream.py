"""Which answers are streams of events (SSE)."""

from __future__ import annotations

from mixvllm.server.engine import Message

STREAM = b"text/event-stream"


def is_event_stream(message: Message) -> bool:
    """Whether the head of an answer announces a stream of events."""
    headers = message.get("headers", ())
    return any(name == b"content-type" and value.startswith(STREAM) for name, value in headers)
