"""How a request can fail, before it is worded for the user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class ApiError(Exception):
    """A request that did not get its answer."""


class Unreachable(ApiError):
    """Nobody answers there; the message says why."""


class CutOff(ApiError):
    """The answer ended before it was whole; the message says how."""


@dataclass(frozen=True)
class ErrorBody:
    """What a server says of a failure.

    Attributes:
        message: In its words.
        kind: The `type` of the error, or nothing.
        phase: What a server that is not ready is doing, or None.
        elapsed_s: For how long, or None.
    """

    message: str
    kind: str = ""
    phase: str | None = None
    elapsed_s: float | None = None


@dataclass
class Refused(ApiError):
    """The server answered with an error, by its status or in the middle of a stream.

    Attributes:
        status: The HTTP status, or the error's own code in a stream; None where there is neither.
        body: What it says.
        in_stream: Whether the answer had begun.
    """

    status: int | None
    body: ErrorBody
    in_stream: bool = field(default=False)


def error_in(document: Any) -> ErrorBody | None:
    """The error in a document, in OpenAI's shape or one of those that servers and proxies use."""
    if not isinstance(document, Mapping):
        return None
    error = document.get("error")
    if not error:
        # FastAPI's own, and vLLM's before it took OpenAI's shape.
        detail = document.get("detail") or (document.get("object") == "error" and document)
        error = detail if detail and "choices" not in document else None
    if not error:
        return None
    if isinstance(error, Mapping):
        message, kind = str(error.get("message") or error), str(error.get("type") or "")
    else:
        message, kind = str(error), ""
    phase, elapsed = document.get("phase"), document.get("elapsed_s")
    return ErrorBody(
        " ".join(message.split()),
        kind,
        str(phase) if phase else None,
        float(elapsed) if isinstance(elapsed, int | float) else None,
    )
