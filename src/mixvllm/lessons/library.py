"""All lessons, and which of them is meant by a word."""

from __future__ import annotations

from functools import cache

from mixvllm.lessons.lesson import Lesson, lesson_of
from mixvllm.lessons.pages import pages_in

FOLDER = "learn"


@cache
def lessons() -> tuple[Lesson, ...]:
    """Every lesson, in the order of the course."""
    found = (lesson_of(page) for page in pages_in(FOLDER) if "group" in page.facts)
    return tuple(sorted(found, key=lambda lesson: lesson.order))


@cache
def lessons_by_name() -> dict[str, Lesson]:
    """Every lesson by each of its names."""
    return {name: lesson for lesson in lessons() for name in (lesson.topic, *lesson.other_names)}


def lesson_about(key: str) -> Lesson | None:
    """The lesson that explains a setting."""
    return next((lesson for lesson in lessons() if key in lesson.explains), None)


def as_topic(words: str) -> str:
    """A topic as it is spelled: `KV cache` is `kv-cache`."""
    return "-".join(words.lower().split())
