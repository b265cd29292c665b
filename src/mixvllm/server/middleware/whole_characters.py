r"""Refuses text that is no text: half of a character that JSON writes in two halves.

JSON can write one half of a surrogate pair alone (`"\ud83d"`), and Python reads it; no tokenizer
takes it, and vLLM 0.32 answers with 500 where it repeats it (`/v1/responses`).
"""

from __future__ import annotations

import re

from mixvllm.server.engine import Scope
from mixvllm.server.middleware.body import RefusedBodyError

# Where half a character might stand; most bodies have none and are looked at no further.
SIGNS = (b"\\ud", b"\\uD")
# Escapes one after another, so that `\\ud83d` (a backslash, then letters) is none; the group is
# a half alone.
ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)


def refuse_half_characters(scope: Scope, body: bytes) -> Scope:
    """An inspection of JSON bodies.

    Raises:
        RefusedBodyError: there is half a character in it.
    """
    half = half_character(body) if _is_json(scope) else None
    if half is None:
        return scope
    raise RefusedBodyError(
        f"The request has half a character: \\{half} stands without its other half. It is "
        "often what is left of an emoji where a text was cut; cut between characters."
    )


def half_character(body: bytes) -> str | None:
    """The first escape in a JSON text that is half a character (`ud83d`), or None."""
    if not any(sign in body for sign in SIGNS):
        return None
    return next((found[1].decode() for found in ESCAPE.finditer(body) if found[1]), None)


def _is_json(scope: Scope) -> bool:
    return any(name == b"content-type" and b"json" in value for name, value in scope["headers"])
