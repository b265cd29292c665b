"""Bytes and counts as text."""

from __future__ import annotations

UNITS = (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))


def size_text(size_bytes: int | None) -> str:
    """`40.00 GiB` as vLLM prints it, below that three digits (`24.0 KiB`); a dash for unknown."""
    if size_bytes is None:
        return "-"
    for name, unit in UNITS:
        if size_bytes >= unit:
            value = size_bytes / unit
            decimals = 2 if unit >= 1 << 30 else max(0, 3 - len(str(int(value))))
            return f"{value:,.{decimals}f} {name}"
    return f"{size_bytes} B"


def parameters_text(count: int | None) -> str:
    """`8.03 B`, `135 M`; a dash where it is unknown."""
    if count is None:
        return "-"
    for name, unit in (("T", 10**12), ("B", 10**9), ("M", 10**6)):
        # What three digits round up to the next unit is written in it.
        if count >= unit * 0.9995:
            return f"{count / unit:.3g} {name}"
    return f"{count:,}"
