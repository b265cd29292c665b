"""Text that breaks between words alone, so that a path in it can be copied."""

from __future__ import annotations

from rich.text import Text


def whole_words(text: str) -> Text:
    """The text; a word longer than the terminal's line goes beyond it, and the terminal breaks it.

    What the terminal breaks is copied in one piece; it must be printed uncropped.
    """
    return Text(text, overflow="ignore")
