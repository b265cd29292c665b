"""Problems with the source line underlined; effective values with their origins."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from mixvllm.errors import Problem
from mixvllm.render.hanging import Hanging
from mixvllm.render.theme import ERROR, MARK, NAME, NOTE, WARNING
from mixvllm.secret_names import hide_secrets, is_secret_name, stars

# Problems are rendered by commands that resolve nothing.
if TYPE_CHECKING:
    from mixvllm.settings.merge import ResolvedValue
    from mixvllm.settings.resolve import Resolved

SECRET_SHOWN = "**********"
SEVERITY_STYLES = {"error": ERROR, "warning": WARNING, "note": NOTE}
LONG_ADVICE = 60
# A source line is shown around the caret; config lines are seldom longer.
SHOWN_LINE_LENGTH = 100


def in_reading_order(problems: Iterable[Problem]) -> list[Problem]:
    """Files first, each from top to bottom; then environment and command line."""
    return sorted(
        problems,
        key=lambda p: (p.source != "file", p.file or "", p.line or 0, p.column or 0),
    )


def render_problems(problems: Iterable[Problem]) -> RenderableType:
    """Each problem as `file:line:column: key: what is wrong`, its line and a caret below."""
    return Group(*(Hanging(render_problem(problem)) for problem in in_reading_order(problems)))


def render_problem(problem: Problem) -> Text:
    """One problem, a line or a few."""
    text = Text()
    text.append(problem.place, style=NAME)
    text.append(": ")
    if problem.severity != "error":
        text.append(f"{problem.severity}: ", style=SEVERITY_STYLES[problem.severity])
    if problem.key:
        text.append(problem.key, style=NAME)
        text.append(": ")
    text.append(problem.message)
    beside, below = _advice(problem.advice)
    text.append(beside)
    if problem.source_line is not None and problem.line and problem.column:
        text.append("\n")
        text.append_text(_source(_shown_line(problem), problem.line, problem.column))
    return text.append("".join(f"\n  {line}" for line in below))


def _advice(advice: str | None) -> tuple[str, list[str]]:
    """One in brackets behind what is wrong; one that is long or has brackets on lines below."""
    if not advice:
        return "", []
    parts = advice.split("; ")
    if "(" in advice or (len(parts) > 1 and len(advice) > LONG_ADVICE):
        return "", parts
    return f" ({advice})", []


def _shown_line(problem: Problem) -> str:
    """The source line as it may be shown to whoever reads the terminal or the CI log."""
    line, column = problem.source_line or "", problem.column or 1
    name = (problem.key or "").rpartition(".")[2]
    if is_secret_name(name) and name not in line:
        # The value stands on a line of its own, below its name.
        return line[: column - 1] + stars(line[column - 1 :])
    return hide_secrets(line)


def _source(line: str, number: int, column: int) -> Text:
    start = max(0, column - SHOWN_LINE_LENGTH) if column > SHOWN_LINE_LENGTH else 0
    gutter = f"{number:>5} | "
    shown = line[start : start + SHOWN_LINE_LENGTH].replace("\t", " ")
    text = Text()
    text.append(gutter, style=MARK)
    text.append(shown.rstrip())
    text.append("\n" + " " * (len(gutter) - 2) + "| ", style=MARK)
    text.append(" " * (column - 1 - start))
    text.append("^" * _word_length(line, column), style=ERROR)
    return text


def _word_length(line: str, column: int) -> int:
    rest = line[column - 1 :]
    if rest[:1].isspace():
        return 1
    for end, character in enumerate(rest):
        if character in " ,}]#":
            return max(1, end)
    return max(1, len(rest.rstrip().rstrip(":")))


def problem_as_json(problem: Problem) -> dict[str, Any]:
    """A problem as the JSON shape of `config validate` has it."""
    return {
        "line": problem.line,
        "column": problem.column,
        "key": problem.key,
        "message": problem.message,
        "severity": problem.severity,
        "suggestion": problem.suggestion,
        "code": problem.code,
    }


def placed_problem_as_json(problem: Problem) -> dict[str, Any]:
    """A problem as the JSON of a failed command has it: with the file, or the layer without one."""
    return {"file": problem.file, "source": problem.source, **problem_as_json(problem)}


def plain_value(value: Any) -> Any:
    """A value for JSON and YAML; secrets masked."""
    from pydantic import SecretStr  # `--help` shows no values, and loads no pydantic

    return SECRET_SHOWN if isinstance(value, SecretStr) else value


def shown_value(value: Any) -> str:
    """A value as the table shows it."""
    plain = plain_value(value)
    if plain is None:
        return "-"
    if isinstance(plain, bool):
        return str(plain).lower()
    return str(plain)


def settings_as_json(resolved: Resolved) -> dict[str, Any]:
    """`config show --format json`."""
    return {
        "settings": settings_by_section(resolved),
        "values": [_value_as_json(value) for value in resolved.values],
    }


def settings_by_section(resolved: Resolved) -> dict[str, dict[str, Any]]:
    """The effective settings, section by section; secrets masked."""
    settings: dict[str, dict[str, Any]] = {
        section: {} for section in type(resolved.settings).model_fields
    }
    for value in resolved.values:
        section, _, name = value.key.partition(".")
        if section == "vllm" and value.value is None:
            continue
        settings[section][name] = plain_value(value.value)
    return settings


def _value_as_json(value: ResolvedValue) -> dict[str, Any]:
    return {
        "key": value.key,
        "value": plain_value(value.value),
        "layer": value.origin.layer.label,
        "origin": str(value.origin),
        "overrides": [
            {
                "value": SECRET_SHOWN if value.is_secret and beaten.value else beaten.value,
                "layer": beaten.origin.layer.label,
                "origin": str(beaten.origin),
            }
            for beaten in value.overrides
        ],
    }
