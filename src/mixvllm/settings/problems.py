"""Problems from readings and from validation errors, worded once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import SecretStr, ValidationError

from mixvllm.error_codes import ErrorCode
from mixvllm.errors import Problem, Severity
from mixvllm.settings.fields import SettingField
from mixvllm.settings.names import nearest
from mixvllm.settings.origin import Given, Layer

SHOWN_VALUE_LENGTH = 60
TYPES_IN_WORDS = {
    "integer": "a whole number",
    "number": "a number",
    "text": "text",
    "true/false": "true or false",
}
TOKENS_IN_WORDS = "a number of tokens such as 32768, 32k (32,000) or 32K (32,768)"
PERCENT = re.compile(r"(\d{1,3}(?:\.\d+)?) ?%")
RANGE_ERRORS = {"greater_than", "greater_than_equal", "less_than", "less_than_equal"}
SOURCES: dict[Layer, Literal["file", "environment", "command line"]] = {
    Layer.ENVIRONMENT: "environment",
    Layer.COMMAND_LINE: "command line",
}


def problem_at(
    given: Given,
    message: str,
    *,
    suggestion: str | None = None,
    severity: Severity = "error",
    code: ErrorCode = "invalid-value",
) -> Problem:
    """A problem with a value that a layer gives, at the value's place."""
    origin = given.origin
    return Problem(
        message=message,
        key=given.written,
        file=origin.file,
        line=origin.line,
        column=origin.column,
        severity=severity,
        suggestion=suggestion,
        source=SOURCES.get(origin.layer, "file"),
        source_line=origin.source_line,
        code=code,
    )


def invalid_value(given: Given, field: SettingField, error: ValidationError) -> Problem:
    """What is wrong with a value that its field refuses."""
    kinds = {str(detail["type"]) for detail in error.errors(include_url=False)}
    shown = "" if field.is_secret else f", not {show_value(given.value)}"
    if kinds & RANGE_ERRORS:
        return problem_at(given, f"must be {field.range_text}{shown}")
    if kinds & {"string_too_short", "too_short"}:
        return problem_at(given, "must not be empty")
    if "vllm_choice" in kinds:
        choices = error.errors(include_url=False)[0]["ctx"]["choices"].split(", ")
        return _invalid_choice(given, choices, shown)
    if "vllm_plugin" in kinds:
        detail = error.errors(include_url=False)[0]
        return problem_at(
            given, detail["msg"], suggestion=detail["ctx"]["installation"], code="plugin-missing"
        )
    if kinds == {"literal_error"} or (field.choices and isinstance(given.value, str)):
        other = [
            _in_words(name, field)
            for name in field.type_name.split(" or ")
            if name in TYPES_IN_WORDS
        ]
        return _invalid_choice(given, field.choices, shown, other)
    return problem_at(given, f"must be {expected(field)}{shown}", suggestion=_written(given, field))


def expected(field: SettingField) -> str:
    """What the field takes, in words, with its range."""
    names = [_in_words(name, field) for name in field.type_name.split(" or ")]
    words = " or ".join(names)
    return f"{words}, {field.range_text}" if field.range_text else words


def show_value(value: Any) -> str:
    """A value as a message shows it: as in YAML, cut when long."""
    if isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, dict):
        return "a mapping"
    elif isinstance(value, list):
        return "a list"
    elif isinstance(value, SecretStr):
        return "a secret"
    else:
        text = repr(value)
    return text if len(text) <= SHOWN_VALUE_LENGTH else f"{text[:SHOWN_VALUE_LENGTH]}..."


def _in_words(name: str, field: SettingField) -> str:
    if name == "integer" and field.is_token_count:
        return TOKENS_IN_WORDS
    return TYPES_IN_WORDS.get(name, name.replace(" | ", " or "))


def _invalid_choice(
    given: Given, choices: Iterable[str], shown: str, other: Iterable[str] = ()
) -> Problem:
    choices = list(choices)
    allowed = ", ".join(choices)
    others = "".join(f" or {words}" for words in other)
    one_of = "" if len(choices) == 1 else "one of "
    return problem_at(
        given,
        f"must be {one_of}{allowed}{others}{shown}",
        suggestion=nearest(str(given.value), choices),
    )


def _written(given: Given, field: SettingField) -> str | None:
    """How it is written: YAML reads `name: 123` as a number, and `90%` is 0.9."""
    share = PERCENT.fullmatch(given.value) if isinstance(given.value, str) else None
    if share and "number" in field.type_name.split(" or "):
        return f"{float(share[1]) / 100:g}"
    plain = isinstance(given.value, int | float) and not isinstance(given.value, bool)
    if given.origin.layer is Layer.YAML and field.type_name == "text" and plain:
        return "write it in quotes" if field.is_secret else f'write it in quotes: "{given.value}"'
    return None
