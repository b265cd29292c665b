"""The nearest known name for a mistyped one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

MIN_PREFIX = 3


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that looks most like `name`, or None when nothing is close.

    A name that was cut short (`prod`) means the only one that starts so (`production`).
    """
    folded = name.lower()
    by_folded = {candidate.lower(): candidate for candidate in known}
    begun = [candidate for candidate in by_folded if candidate.startswith(folded)]
    if len(begun) == 1 and len(folded) >= MIN_PREFIX:
        return by_folded[begun[0]]
    matches = get_close_matches(folded, by_folded, n=1, cutoff=0.6)
    return by_folded[matches[0]] if matches else None
