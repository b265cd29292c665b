"""Check what a layer gives, value by value, so that every problem is found at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from mixvllm.errors import Problem
from mixvllm.settings.fields import (
    PASS_THROUGH_SECTION,
    SettingField,
    all_fields,
    fields_by_key,
    sections,
)
from mixvllm.settings.names import nearest
from mixvllm.settings.origin import Given, Layer
from mixvllm.settings.problems import invalid_value, problem_at, show_value
from mixvllm.settings.reading import Reading
from mixvllm.vllm_internals.arguments import (
    REFUSED,
    Argument,
    arguments,
    modelled_version,
)
from mixvllm.vllm_internals.removed_arguments import removal


def validate(reading: Reading) -> Reading:
    """The reading with typed values, and with a problem for each value that is refused.

    Values of files are taken strictly (`port: "8000"` is text), those of flags and variables,
    which are always text, leniently.
    """
    typed: list[Given] = []
    problems: list[Problem] = list(reading.problems)
    for given in reading.given:
        checked = _check(given)
        if isinstance(checked, Problem):
            problems.append(checked)
        else:
            typed.append(checked)
    return Reading(tuple(typed), tuple(problems))


def _check(given: Given) -> Given | Problem:
    if given.key.startswith(f"{PASS_THROUGH_SECTION}."):
        return _check_argument(given)
    if given.value is None:
        return given
    field = fields_by_key()[given.key]
    try:
        return replace(given, value=typed_value(field, given.value, given.origin.layer))
    except ValidationError as error:
        return invalid_value(given, field, error)


def typed_value(field: SettingField, value: Any, layer: Layer) -> Any:
    """The value as the field's type.

    Raises:
        ValidationError: the field refuses it.
    """
    section = sections()[field.section]
    # A strict SecretStr refuses text, which is all that YAML can write.
    secret_text = field.is_secret and isinstance(value, str)
    strict = layer is Layer.YAML and not secret_text
    validated = section.model_validate({field.name: value}, strict=strict)
    return getattr(validated, field.name)


def _check_argument(given: Given) -> Given | Problem:
    """An entry of `vllm:`: a known name, not one of ours, a value of its kind."""
    name = given.key.partition(".")[2]
    own = _own_field(name)
    if own is not None:
        return problem_at(
            given, f"is a setting of its own: write it as `{own.key}`", code="unknown-setting"
        )
    if name in REFUSED:
        return problem_at(given, REFUSED[name], code="unknown-setting")
    argument = arguments().get(name)
    if argument is None and (removed := removal(name)):
        return problem_at(given, removed)
    if argument is None:
        version = ".".join(map(str, modelled_version()))
        suggestion = nearest(name, arguments())
        message = f"is no argument of vLLM {version}"
        return problem_at(given, message, suggestion=suggestion, code="unknown-setting")
    return _check_kind(given, argument)


def _check_kind(given: Given, argument: Argument) -> Given | Problem:
    value = given.value
    is_switch = argument.kind in ("switch", "switch_on")
    if value is None or is_switch == isinstance(value, bool):
        if argument.choices and isinstance(value, str) and value not in argument.choices:
            choices = ", ".join(argument.choices)
            near = nearest(value, argument.choices)
            message = f"must be one of {choices}, not {show_value(value)}"
            return problem_at(given, message, suggestion=near)
        return given
    wanted = "true or false" if is_switch else "a value"
    return problem_at(given, f"must be {wanted}, not {show_value(value)}")


def is_pass_through(argument: str) -> bool:
    """Whether `vllm:` takes an argument of this name: no setting of ours, and not refused."""
    return argument not in REFUSED and _own_field(argument) is None


def _own_field(argument: str) -> SettingField | None:
    for field in all_fields():
        spellings = {flag.lstrip("-").replace("-", "_") for flag in field.flags}
        if field.section != "generation_defaults" and argument in {field.name, *spellings}:
            return field
    return None


def errors_of(problems: Iterable[Problem]) -> list[Problem]:
    """The problems that stop."""
    return [problem for problem in problems if problem.severity == "error"]
