"""What went wrong with a request, in words for the user."""

from __future__ import annotations

import re

from mixvllm.chat.api_errors import ApiError, CutOff, Refused
from mixvllm.chat.events import Failed

AGAIN = "Ask again; in a chat, /retry does."
# vLLM's own words (renderers/online_renderer.py and params.py of 0.32 and 0.33).
TOOLS_OFF = re.compile(r"requires (--enable-auto-tool-choice and )?--tool-call-parser to be set")
GRAMMAR = re.compile(r"grammar specification|structural tag|json schema", re.IGNORECASE)
TOO_LONG = re.compile(
    r"maximum context length|exceeds this limit|context_length_exceeded|"
    r"max_(completion_)?tokens=\d+ cannot be greater than|"
    r"longer than the maximum model length|exceeds the available context",
    re.IGNORECASE,
)
ENGINE_KINDS = re.compile(r"engine|server_stopping|service_unavailable|internal", re.IGNORECASE)


def failure_of(error: ApiError) -> Failed:
    """The event for an error, save for what depends on the tools and the model."""
    if isinstance(error, Refused):
        return _refusal(error)
    if isinstance(error, CutOff):
        return Failed("cut_off", _sentence(str(error)), AGAIN)
    return Failed("unreachable", f"The server cannot be reached: {_sentence(str(error))}", AGAIN)


def is_tools_off(error: ApiError) -> bool:
    """Whether the server refuses tools because it was started without a parser."""
    return isinstance(error, Refused) and TOOLS_OFF.search(error.body.message) is not None


def is_schema_refused(error: ApiError) -> bool:
    """Whether vLLM can make no grammar of a tool's schema."""
    if not isinstance(error, Refused) or error.status != 400:
        return False
    return GRAMMAR.search(error.body.message) is not None


def is_too_long(error: ApiError) -> bool:
    """Whether prompt and answer are more than the model's context holds."""
    if not isinstance(error, Refused) or error.status not in (400, 413, 422):
        return False
    return TOO_LONG.search(error.body.message) is not None


def _refusal(error: Refused) -> Failed:
    said = _sentence(error.body.message or f"HTTP {error.status}")
    match error.status:
        case 401 | 403:
            hint = "Give its key: MIXVLLM_SERVER__API_KEY, or `server: {api_key: ...}` in the file."
            return Failed("refused", f"The server refuses the key: {said}", hint)
        case 404:
            hint = "`mixvllm chat --model NAME` and /model choose another model."
            return Failed("refused", f"The server does not find it: {said}", hint)
        case 429:
            return Failed("refused", f"The server is too busy: {said}", "Ask again in a moment.")
        case _:
            return _other_refusal(error, said)


def _other_refusal(error: Refused, said: str) -> Failed:
    if is_too_long(error):
        hint = "Shorten the message or lower max_tokens; /reset begins a chat anew."
        return Failed("too_long", said, hint)
    broken = (error.status or 0) >= 500 or (error.in_stream and error.status is None)
    if broken or ENGINE_KINDS.search(error.body.kind):
        return Failed("engine", said, AGAIN)
    return Failed("refused", f"The server refuses the request: {said}")


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."
