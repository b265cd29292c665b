"""The numbers of the documentation: marked with how they are computed, and computed anew.

In a line: `<!-- computed: ASKED -->3.12 GiB<!-- end -->`. On lines of their own, the two comments
hold a block. Comments in a line have no `--` and no `|` inside, which not every reader of Markdown
would bear.
"""

from __future__ import annotations

import re
from collections.abc import Callable

MARKED = re.compile(
    r"(?P<begin><!-- computed: (?P<asked>.*?)\s-->)(?P<held>.*?)(?P<end><!-- end -->)", re.DOTALL
)


def questions(text: str) -> tuple[str, ...]:
    """What the marks of a page ask for."""
    return tuple(found["asked"] for found in MARKED.finditer(text))


def recomputed(text: str, answer: Callable[[str], str]) -> str:
    """The page with every marked number as it is now."""

    def replace(found: re.Match[str]) -> str:
        is_block = found["held"].startswith("\n")
        held = f"\n\n{answer(found['asked'])}\n\n" if is_block else answer(found["asked"])
        return f"{found['begin']}{held}{found['end']}"

    return MARKED.sub(replace, text)
