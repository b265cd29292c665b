"""The inside of a line of Markdown: code, emphasis, links, and plain text between them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Look = Literal["plain", "code", "bold", "italic"]
MARKS = re.compile(
    r"`(?P<code>[^`]+)`"
    r"|\*\*(?P<bold>.+?)\*\*"
    r"|\*(?P<italic>[^*\s][^*]*)\*"
    r"|\[(?P<label>[^\]]+)\]\((?P<target>[^)\s]+)\)"
    r"|<(?P<address>https?://[^>\s]+)>"
    r"|\\(?P<escaped>[\\`*\[\]|<>_])"
)


@dataclass(frozen=True)
class Span:
    """A piece of text in one look; `target` is where a link leads."""

    text: str
    look: Look = "plain"
    target: str | None = None


def spans_of(text: str) -> tuple[Span, ...]:
    """The pieces of a text; line breaks in it are blanks."""
    return tuple(_spans(" ".join(text.split())))


def plain_text(spans: Sequence[Span]) -> str:
    """What is left without any look."""
    return "".join(span.text for span in spans)


def _spans(text: str, look: Look = "plain") -> Iterator[Span]:
    end = 0
    for mark in MARKS.finditer(text):
        if mark.start() > end:
            yield Span(text[end : mark.start()], look)
        yield from _marked(mark, look)
        end = mark.end()
    if end < len(text):
        yield Span(text[end:], look)


def _marked(mark: re.Match[str], look: Look) -> Iterator[Span]:
    if mark["code"]:
        yield Span(mark["code"], "code")
    elif mark["bold"]:
        yield from _spans(mark["bold"], "bold")
    elif mark["italic"]:
        yield from _spans(mark["italic"], "italic")
    elif mark["label"]:
        # Code in a label is shown as code; the link is the same.
        for span in _spans(mark["label"], look):
            yield Span(span.text, span.look, mark["target"])
    elif mark["address"]:
        yield Span(mark["address"], look, mark["address"])
    else:
        yield Span(mark["escaped"], look)
