"""The report of `config validate`: for people, as JSON, as GitHub annotations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from mixvllm.errors import Problem
from mixvllm.render.hanging import Hanging
from mixvllm.render.settings import problem_as_json, render_problem
from mixvllm.render.theme import ERROR, GOOD
from mixvllm.settings.check import FileReport


def report_as_text(reports: Sequence[FileReport], *, strict: bool) -> RenderableType:
    """Every problem with its line and caret, then a verdict for each file."""
    parts: list[RenderableType] = []
    for report in reports:
        parts.extend(Hanging(render_problem(problem)) for problem in report.problems)
    for report in reports:
        verdict = Text(f"{report.file}: ")
        if report.is_ok(strict=strict):
            verdict.append("ok", style=GOOD)
            verdict.append(_count(report.problems, "warning", before=", "))
        else:
            verdict.append(_count(report.problems, "error"), style=ERROR)
            verdict.append(_count(report.problems, "warning", before=", "))
        verdict.append("".join(f"; note: {note}" for note in report.notes))
        parts.append(verdict)
    return Group(*parts)


def _count(problems: Sequence[Problem], severity: str, before: str = "") -> str:
    count = sum(problem.severity == severity for problem in problems)
    if not count:
        return ""
    return f"{before}{count} {severity}{'s' if count > 1 else ''}"


def report_as_json(reports: Sequence[FileReport], *, strict: bool) -> dict[str, Any]:
    """`config validate --format json`."""
    return {
        "ok": all(report.is_ok(strict=strict) for report in reports),
        "files": [
            {
                "file": report.file,
                "ok": report.is_ok(strict=strict),
                "problems": [problem_as_json(problem) for problem in report.problems],
                "notes": list(report.notes),
            }
            for report in reports
        ],
    }


def report_as_github(reports: Sequence[FileReport]) -> str:
    """One workflow command a problem, so that GitHub marks the line in a pull request."""
    return "".join(f"{_annotation(p)}\n" for report in reports for p in report.problems)


def _annotation(problem: Problem) -> str:
    kind = "error" if problem.severity == "error" else "warning"
    where = {"file": problem.file, "line": problem.line, "col": problem.column}
    properties = ",".join(f"{k}={_property(v)}" for k, v in where.items() if v is not None)
    message = f"{problem.key}: {problem.message}" if problem.key else problem.message
    if problem.suggestion:
        message += f" ({problem.advice})"
    return f"::{kind} {properties}::{_escaped(message)}"


def _escaped(text: object) -> str:
    return str(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: object) -> str:
    return _escaped(value).replace(":", "%3A").replace(",", "%2C")
