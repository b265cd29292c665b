r"""Refuses text that is no text: half of a character that JSON writes in two halves.

JSON can write one half of a surrogate pair alone (`"\ud83d"`), and Python reads it; no tokenizer
takes it, and vLLM 0.32 answers with 500 where it repeats it (`/v1/responses`).
"""

from __future__ import annotations

import re

from mixvllm.server.engine import ASGIApp, Receive, Scope, Send
from mixvllm.server.middleware.body import read_body, replay
from mixvllm.server.openai_errors import error_body, send_error

# Where half a character might stand; most bodies have none and are looked at no further.
SIGNS = (b"\\ud", b"\\uD")
# Escapes one after another, so that `\\ud83d` (a backslash, then letters) is none; the group is
# a half alone.
ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)


class WholeCharacters:
    """Answers 400 to a JSON body with half a character in it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, unless its text is broken."""
        if scope["type"] != "http" or not _is_json(scope):
            await self.app(scope, receive, send)
            return
        messages = await read_body(receive)
        half = half_character(b"".join(message.get("body", b"") for message in messages))
        if half is None:
            await self.app(scope, replay(messages, receive), send)
            return
        message = (
            f"The request has half a character: \\{half} stands without its other half. It is "
            "often what is left of an emoji where a text was cut; cut between characters."
        )
        body = error_body(message, "invalid_request_error", 400)
        await send_error(scope, receive, send, status=400, body=body)


def half_character(body: bytes) -> str | None:
    """The first escape in a JSON text that is half a character (`ud83d`), or None."""
    if not any(sign in body for sign in SIGNS):
        return None
    return next((found[1].decode() for found in ESCAPE.finditer(body) if found[1]), None)


def _is_json(scope: Scope) -> bool:
    return any(name == b"content-type" and b"json" in value for name, value in scope["headers"])
