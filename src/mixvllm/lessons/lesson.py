"""A lesson: one page that is read in a few minutes, and what it explains."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from mixvllm.lessons.markdown import Block, Heading, Items, blocks_of
from mixvllm.lessons.pages import Page
from mixvllm.lessons.spans import Span, plain_text

SOURCES = "Sources"
OTHER_LESSON = re.compile(r"\]\((?P<name>[a-z0-9-]+)\.md(?:#[\w-]+)?\)")


@dataclass(frozen=True)
class Lesson:
    """One lesson.

    Attributes:
        topic: Its name on the command line.
        summary: What it is about, in a few words.
        group: The heading that it is listed under.
        order: Where it stands in the course.
        other_names: What else it may be called.
        explains: The keys of the settings that it explains.
        markdown: The page.
    """

    topic: str
    summary: str
    group: str
    order: int
    other_names: tuple[str, ...]
    explains: tuple[str, ...]
    markdown: str

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The page as blocks."""
        return blocks_of(self.markdown)

    @property
    def title(self) -> str:
        """The page's heading."""
        return self.markdown.split("\n", 1)[0].removeprefix("# ")

    @property
    def see_also(self) -> tuple[str, ...]:
        """The lessons that it leads to, each once."""
        found = (match["name"] for match in OTHER_LESSON.finditer(self.markdown))
        return tuple(dict.fromkeys(name for name in found if name != "index"))

    @property
    def sources(self) -> tuple[str, ...]:
        """What it rests on, as listed at its end."""
        below = False
        for block in self.blocks:
            if isinstance(block, Heading):
                below = plain_text(block.spans) == SOURCES
            elif below and isinstance(block, Items):
                return tuple(_with_target(item) for item in block.items)
        return ()


def _with_target(spans: tuple[Span, ...]) -> str:
    """The text, and the addresses that its links lead to."""
    targets = [span.target for span in spans if span.target and span.target != span.text]
    return " ".join([plain_text(spans), *dict.fromkeys(targets)])


def lesson_of(page: Page) -> Lesson:
    """The lesson that a page is."""
    return Lesson(
        topic=page.name,
        summary=page.facts["about"],
        group=page.facts["group"],
        order=int(page.facts["order"]),
        other_names=_words(page.facts.get("also", "")),
        explains=_words(page.facts.get("explains", "")),
        markdown=page.markdown,
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
