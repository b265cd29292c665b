"""Text that a model or a tool wrote, made harmless for a terminal."""

from __future__ import annotations

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
LAST_C0 = 0x1F
# Unicode has a picture of each control character: `␛` shows where an escape sequence would begin.
PICTURES = 0x2400
KEPT = "\n\t"
# What turns the direction of writing, so that a line reads otherwise than it runs.
DIRECTIONS = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
SURROGATES = range(0xD800, 0xE000)

HARMLESS: dict[int, str | None] = {
    **{code: chr(PICTURES + code) for code in range(LAST_C0 + 1) if chr(code) not in KEPT},
    ord("\r"): None,  # half of a line's end; alone it would hide what stands before it
    0x7F: "\N{SYMBOL FOR DELETE}",
    **dict.fromkeys((*range(0x80, 0xA0), *DIRECTIONS, *SURROGATES), REPLACEMENT),
}


def harmless(text: str) -> str:
    """The text with its control characters shown instead of obeyed; lines and tabs stay."""
    return text.translate(HARMLESS)
