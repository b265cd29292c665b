"""Markdown whose paragraphs flow: lines that comments have left uneven are filled again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mixvllm.lessons.markdown import ITEM, Block, Items, Paragraph, Quote, groups_of

WIDEST = 100
# Words that begin no line of text: they would make a list, a heading, a quote or a table of it.
NOT_FIRST = re.compile(r"[-*+>|=].*|#+|\d+[.)]|`{3,}.*|<!.*")


def flowing(markdown: str) -> str:
    """The same page; its paragraphs, items and quotes are filled to a width."""
    groups = groups_of(markdown.splitlines())
    return "\n\n".join(_flowed(block, lines) for block, lines in groups) + "\n"


def _flowed(block: Block, lines: Sequence[str]) -> str:
    match block:
        case Paragraph():
            return _filled(" ".join(lines))
        case Items():
            return "\n".join(_items(lines))
        case Quote():
            inner = flowing("\n".join(line.removeprefix(">").removeprefix(" ") for line in lines))
            return "\n".join(f"> {line}".rstrip() for line in inner.splitlines())
        case _:
            return "\n".join(lines)


def _items(lines: Sequence[str]) -> Iterator[str]:
    texts: list[str] = []
    for line in lines:
        if ITEM.match(line):
            texts.append(line)
        else:
            texts[-1] += f" {line.strip()}"
    for text in texts:
        mark, _, rest = text.partition(" ")
        yield _filled(rest, f"{mark} ")


def _filled(text: str, mark: str = "") -> str:
    lines = [mark]
    for word in text.split():
        if lines[-1] == mark:
            lines[-1] += word
        elif len(lines[-1]) + 1 + len(word) > WIDEST and not NOT_FIRST.fullmatch(word):
            lines.append(" " * len(mark) + word)
        else:
            lines[-1] += f" {word}"
    return "\n".join(lines)
