"""`mixvllm explain`: short lessons in the terminal, from the documentation's own pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from mixvllm.cli.exit_status import ExitStatus
from mixvllm.cli.invocation import Invocation
from mixvllm.cli.json_option import JsonOption
from mixvllm.lessons.library import as_topic, lessons, lessons_by_name
from mixvllm.lessons.troubles import troubles

if TYPE_CHECKING:
    from mixvllm.cli.output import Output
    from mixvllm.lessons.lesson import Lesson

ERRORS = "errors"

app = typer.Typer(rich_markup_mode="rich", add_completion=False)


class WordsCommand(TyperCommand):
    """A command that takes its words as they are.

    typer would import pydantic, which takes longer than all the rest, to find that text is text.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the options; words are left alone."""
        parameters: list[Any] = self.get_params(ctx)
        for parameter in parameters:
            if parameter.nargs == -1:
                parameter.process_value = lambda _ctx, words: list(words or ())
        return super().parse_args(ctx, args)


TopicArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="TOPIC",
        help="A topic, a flag such as --gpu-memory, a key such as server.port, or an error's code.",
        show_default=False,
        autocompletion=lambda: [*(lesson.topic for lesson in lessons()), *troubles(), ERRORS],
    ),
]


@app.command(
    cls=WordsCommand,
    epilog="Example: [bold]mixvllm explain kv-cache[/]",
    context_settings={"ignore_unknown_options": True},
)
def explain(ctx: typer.Context, topic: TopicArgument = None, as_json: JsonOption = False) -> int:
    """Explain a topic, a setting, a flag or an error in a few minutes' reading.

    Without a topic all of them are listed; `errors` lists the codes of errors. In a pipe a lesson
    is its Markdown.
    """
    # What draws: not for a Tab.
    from mixvllm.render.topics import (
        topic_as_json,
        topics_view,
        trouble_as_json,
        troubles_view,
    )

    invocation: Invocation = ctx.obj
    output = invocation.output
    words = " ".join(topic or ())
    name = as_topic(words).strip("[]")
    if not words:
        rows = [topic_as_json(lesson) for lesson in lessons()]
        output.answer(topics_view(lessons()), {"topics": rows})
    elif lesson := lessons_by_name().get(name):
        _show(output, lesson.markdown, _answer(lesson=lesson), lesson)
    elif trouble := troubles().get(name):
        _show(output, trouble.markdown, _answer(error=trouble_as_json(trouble)))
    elif name == ERRORS:
        found = list(troubles().values())
        output.answer(troubles_view(found), {"errors": [trouble_as_json(each) for each in found]})
    else:
        _explain_setting(output, words)
    return ExitStatus.DONE


def _explain_setting(output: Output, words: str) -> None:
    """Explain what only the settings know; reading them takes longer than all the rest.

    Raises:
        UsageError: there is nothing of this name.
    """
    from mixvllm.lessons.question import SectionExplained, not_known, setting_meant
    from mixvllm.render.setting_facts import section_markdown, setting_as_json, setting_markdown

    meant = setting_meant(words)
    if meant is None:
        # An argument of vLLM's own may be what a lesson is about.
        lesson = lessons_by_name().get(as_topic(words).lstrip("-"))
        if lesson is None:
            raise not_known(words)
        _show(output, lesson.markdown, _answer(lesson=lesson), lesson)
        return
    if isinstance(meant, SectionExplained):
        rows = [setting_as_json(field) for field in meant.fields]
        _show(output, section_markdown(meant.name, meant.fields), {"settings": rows})
        return
    lesson = meant.lesson
    markdown = setting_markdown(meant.field) + (f"\n{lesson.markdown}" if lesson else "")
    data = _answer(lesson=lesson, setting=setting_as_json(meant.field))
    _show(output, markdown, data, lesson)


def _answer(
    *,
    lesson: Lesson | None = None,
    setting: dict[str, Any] | None = None,
    error: dict[str, Any] | None = None,
) -> dict[str, Any]:
    from mixvllm.render.topics import lesson_as_json

    shown = lesson_as_json(lesson) if lesson else None
    return {"lesson": shown, "setting": setting, "error": error}


def _show(output: Output, markdown: str, data: Any, lesson: Lesson | None = None) -> None:
    """Draw a page for a terminal; who reads a pipe gets its Markdown, as from `ruff rule`."""
    if output.as_json:
        output.json(data)
    elif output.out.is_terminal:
        from mixvllm.render.pages import page_view, read_on

        output.out.print(page_view(markdown))
        if lesson and lesson.see_also:
            output.out.print(read_on(lesson))
    else:
        from mixvllm.lessons.flow import flowing

        output.text(flowing(markdown))
