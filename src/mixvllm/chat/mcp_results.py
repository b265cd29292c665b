"""What a tool gave, as text for the model: parts joined, what is no text told of, cut to a size."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mixvllm.chat.tools import ToolResult

MOST_CHARACTERS = 20_000
NOTHING = "(The tool gave no output.)"


def result_of(answer: Mapping[str, Any], most_characters: int = MOST_CHARACTERS) -> ToolResult:
    """The result of a call.

    Args:
        answer: MCP's `CallToolResult` as JSON data.
        most_characters: What goes beyond is cut off, with a note.
    """
    parts = [_part(part) for part in answer.get("content") or ()]
    structured = answer.get("structuredContent")
    # The specification has servers write structured content as text, too.
    if structured is not None and not any(_is_text(part) for part in answer.get("content") or ()):
        parts.insert(0, json.dumps(structured, ensure_ascii=False))
    text = "\n".join(parts) or NOTHING
    return cut(ToolResult(text, is_error=bool(answer.get("isError"))), most_characters)


def cut(result: ToolResult, most_characters: int) -> ToolResult:
    """A result of at most so many characters, and a note where something is missing."""
    omitted = len(result.text) - most_characters
    if omitted <= 0:
        return result
    note = f"\n[cut: {omitted:,} of {len(result.text):,} characters are left out here]"
    return ToolResult(result.text[:most_characters] + note, result.is_error, omitted)


def _is_text(part: Mapping[str, Any]) -> bool:
    return part.get("type") == "text"


def _part(part: Mapping[str, Any]) -> str:
    match part.get("type"):
        case "text":
            return str(part.get("text", ""))
        case "image" | "audio" as kind:
            return _not_shown(kind, part.get("mimeType"), part.get("data"))
        case "resource":
            return _resource(part.get("resource") or {})
        case "resource_link":
            names = [part.get("title") or part.get("name"), part.get("uri")]
            return f"[resource {' at '.join(str(name) for name in names if name)}]"
        case other:
            return _not_shown(f"a part of the kind {other}")


def _resource(resource: Mapping[str, Any]) -> str:
    uri, text = resource.get("uri"), resource.get("text")
    if text is not None:
        return f"[resource {uri}]\n{text}"
    return _not_shown(f"resource {uri}", resource.get("mimeType"), resource.get("blob"))


def _not_shown(what: str, media_type: str | None = None, base64: str | None = None) -> str:
    """A note in the place of what is no text."""
    count = len(base64 or "") * 3 // 4
    size = f"{count:,} bytes" if count < 1000 else f"{count / 1000:,.0f} kB"
    known = [what, media_type, size if base64 is not None else None]
    return f"[{', '.join(word for word in known if word)}: not shown to the model]"
