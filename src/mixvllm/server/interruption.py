"""Why the server ends requests before their time, in the words that clients get."""

from __future__ import annotations

from dataclasses import dataclass

RETRY_AFTER_S = 2


@dataclass(frozen=True)
class Interruption:
    """Why requests in flight are ended.

    Attributes:
        kind: The `type` of the error.
        message: What clients are told.
    """

    kind: str
    message: str


RESTARTING = Interruption(
    "engine_restarting",
    "The engine died and is being started again. Send the request again in a moment.",
)
FAILED = Interruption("engine_failed", "The engine died, and the server is stopping.")
STOPPING = Interruption("server_stopping", "The server is stopping.")
