"""Words for a command line that cannot be read, in place of typer's and pydantic's own."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any

import typer

from mixvllm.cli.parameter_words import choices_of, name_text, range_text

EXTRA = re.compile(r"Got unexpected extra argument\(s\) \((?P<words>.*)\)")
VALUE_MISSING = re.compile(r"Option '(?P<flag>[^']+)' requires an argument\.")
VALUE_TOO_MUCH = re.compile(r"Option '(?P<flag>[^']+)' does not take a value\.")
# pydantic's names of what is wrong with the text of a value.
WANTED = {
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
}
OUT_OF_RANGE = ("greater_than_equal", "less_than_equal")


def usage_words(error: typer.TyperException) -> tuple[str, str]:
    """What is wrong, and where to read on or what was meant."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "mixvllm"
    help_hint = f"Try '{path} --help'."
    parameter: Any = getattr(error, "param", None)
    problem = _problem(error)
    if problem is not None and parameter is not None:
        return _bad_value(problem, parameter), help_hint
    if extra := EXTRA.fullmatch(error.format_message()):
        return f"`{path}` has no use for {extra['words']!r}.", help_hint
    if missing := VALUE_MISSING.fullmatch(error.format_message()):
        return f"{missing['flag']} needs a value.", help_hint
    if needless := VALUE_TOO_MUCH.fullmatch(error.format_message()):
        return f"{needless['flag']} takes no value.", help_hint
    if meant := _option_meant(error):
        return str(getattr(error, "message", error)), f"Did you mean {meant}? {help_hint}"
    return error.format_message(), help_hint


def _problem(error: typer.TyperException) -> dict[str, Any] | None:
    """The first thing that pydantic has against a value, where it was pydantic."""
    find = getattr(error.__cause__, "errors", None)
    problems: list[dict[str, Any]] = find() if callable(find) else []
    return problems[0] if problems else None


def _bad_value(problem: dict[str, Any], parameter: Any) -> str:
    kind, given = problem["type"], problem["input"]
    choices = choices_of(parameter)
    if choices:
        wanted = f"one of {', '.join(choices)}"
    elif kind in OUT_OF_RANGE:
        wanted = range_text(parameter)
    elif kind in WANTED:
        wanted = ", ".join(filter(None, (WANTED[kind], range_text(parameter))))
    else:
        return f"{name_text(parameter)}: {problem['msg']}, not {given!r}."
    return f"{name_text(parameter)}: must be {wanted}, not {given!r}."


def _option_meant(error: typer.TyperException) -> str | None:
    """The nearest of the options that typer finds alike."""
    found = get_close_matches(
        getattr(error, "option_name", ""), getattr(error, "possibilities", None) or (), n=1
    )
    return found[0] if found else None
