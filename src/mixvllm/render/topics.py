"""What `mixvllm explain` can explain: topics and error codes, as lists and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from rich.console import Group, RenderableType
from rich.constrain import Constrain
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mixvllm.lessons.lesson import Lesson
from mixvllm.lessons.spans import spans_of
from mixvllm.lessons.troubles import Trouble
from mixvllm.render.pages import WIDEST, line_of
from mixvllm.render.theme import NAME


def topics_view(lessons: Sequence[Lesson]) -> RenderableType:
    """The topics by group, each with its first sentence."""
    table = Table.grid(padding=(0, 2), pad_edge=False)
    table.add_column(no_wrap=True)
    for group, members in groupby(lessons, key=lambda lesson: lesson.group):
        if table.row_count:
            table.add_row()
        table.add_row(Text(group, style=NAME))
        for lesson in members:
            table.add_row(Text(f"  {lesson.topic}", style=NAME), Text(lesson.summary))
    ways = (
        "mixvllm explain TOPIC, also of a flag (--gpu-memory), a key (server.port), a section "
        "(server) or the code of an error; `mixvllm explain errors` lists the codes."
    )
    return Constrain(Group(table, Text(), Text(ways)), WIDEST)


def troubles_view(troubles: Sequence[Trouble]) -> RenderableType:
    """The error codes by group, each with an example of its message."""
    parts: list[RenderableType] = []
    for group, members in groupby(troubles, key=lambda trouble: trouble.group):
        parts += [Text(), Text(group, style=NAME)]
        for trouble in members:
            parts.append(Text(f"  {trouble.code}", style=NAME))
            parts.append(Padding(line_of(spans_of(trouble.example)), (0, 0, 0, 4)))
    return Constrain(Group(*parts[1:]), WIDEST)


def trouble_as_json(trouble: Trouble) -> dict[str, Any]:
    """An error code for programs."""
    return {
        "code": trouble.code,
        "group": trouble.group,
        "example": trouble.example,
        "markdown": trouble.markdown,
    }


def lesson_as_json(lesson: Lesson) -> dict[str, Any]:
    """A lesson for programs."""
    return {
        **topic_as_json(lesson),
        "explains": list(lesson.explains),
        "see_also": list(lesson.see_also),
        "sources": list(lesson.sources),
        "markdown": lesson.markdown,
    }


def topic_as_json(lesson: Lesson) -> dict[str, Any]:
    """A row of the list of topics."""
    return {
        "topic": lesson.topic,
        "title": lesson.title,
        "group": lesson.group,
        "summary": lesson.summary,
        "other_names": list(lesson.other_names),
    }
