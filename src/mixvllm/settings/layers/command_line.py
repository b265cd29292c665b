"""The command line as a layer: given flags, and what follows `--` for vLLM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from mixvllm.errors import Problem
from mixvllm.settings.fields import PASS_THROUGH_SECTION, SettingField, all_fields
from mixvllm.settings.names import nearest
from mixvllm.settings.origin import Given, Layer, Origin
from mixvllm.settings.reading import Reading, find_contradictions
from mixvllm.vllm_internals.arguments import Argument, arguments

MODEL_ARGUMENT = "MODEL"


@dataclass(frozen=True)
class GivenFlag:
    """A flag as the user wrote it (`--gpus`, or `MODEL` for the argument) and its value."""

    spelling: str
    value: Any


@cache
def _fields_by_flag() -> dict[str, SettingField]:
    by_flag = {spelling: field for field in all_fields() for spelling in field.flags}
    off = {s.replace("--", "--no-", 1): f for s, f in by_flag.items() if f.is_flag_pair}
    return {**by_flag, **off, MODEL_ARGUMENT: by_flag["--model"]}


def read_command_line(flags: Sequence[GivenFlag], pass_through: Sequence[str] = ()) -> Reading:
    """Read the flags that were given; what follows `--` is vLLM's own spelling."""
    given = [_given(_fields_by_flag()[flag.spelling], flag.spelling, flag.value) for flag in flags]
    passed = read_vllm_flags(pass_through)
    everything = (*given, *passed.given)
    return Reading(everything, (*passed.problems, *find_contradictions(everything)))


def read_vllm_flags(words: Sequence[str]) -> Reading:
    """Read vLLM's own flags; those that have a setting of ours count as that setting.

    `--x value`, `--x=value`, `--no-x`, short flags, underscores for hyphens and lists are read
    as vLLM's parser reads them.
    """
    given: list[Given] = []
    problems: list[Problem] = []
    position = 0
    while position < len(words):
        word = words[position]
        name, _, inline = word.partition("=")
        values = [inline] if inline else _values_after(words, position)
        found = _find(name) if name.startswith("-") else None
        if found is None:
            problems.append(_unknown(name))
            position += 1 + (0 if inline else len(values))
            continue
        argument, switched_on = found
        taken, problem = _take(argument, switched_on, values, name)
        position += 1 + (0 if inline else taken[1])
        if problem:
            problems.append(problem)
        else:
            given.append(_given_argument(argument, name, taken[0]))
    return Reading(tuple(given), tuple(problems))


def _values_after(words: Sequence[str], position: int) -> list[str]:
    values = []
    for word in words[position + 1 :]:
        if word.startswith("-") and not _is_number(word):
            break
        values.append(word)
    return values


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


@cache
def _arguments_by_flag() -> dict[str, tuple[Argument, bool]]:
    by_flag = {}
    for argument in arguments().values():
        for flag in (argument.flag, *argument.short_flags):
            by_flag[flag] = (argument, True)
        if argument.kind == "switch":
            by_flag[argument.flag.replace("--", "--no-", 1)] = (argument, False)
    return by_flag


def _find(name: str) -> tuple[Argument, bool] | None:
    spelled = name.replace("_", "-") if name.startswith("--") else name
    return _arguments_by_flag().get(spelled)


def _take(
    argument: Argument, switched_on: bool, values: list[str], written: str
) -> tuple[tuple[Any, int], Problem | None]:
    """The argument's value and how many words it took."""
    if argument.kind in ("switch", "switch_on"):
        return (switched_on, 0), None
    if not values:
        problem = Problem(message="needs a value", key=written, source="command line")
        return (None, 0), problem
    if argument.kind == "list":
        return (list(values), len(values)), None
    return (values[0], 1), None


def _unknown(name: str) -> Problem:
    if not name.startswith("-"):
        return Problem(
            message=f"stands alone; after `--` come vLLM's flags, not {name!r}",
            key=name,
            source="command line",
        )
    return Problem(
        message="is no flag that this vLLM knows",
        key=name,
        source="command line",
        suggestion=nearest(name.replace("_", "-"), _arguments_by_flag()),
    )


@cache
def _field_by_vllm_name() -> dict[str, SettingField]:
    names = {field.name: field for field in all_fields() if field.section != "generation_defaults"}
    by_vllm_flag = {s.lstrip("-").replace("-", "_"): f for f in all_fields() for s in f.flags}
    served = by_vllm_flag["served_model_name"]
    return {
        **{name: names[name] for name in arguments() if name in names},
        "model": by_vllm_flag["model"],
        "served_model_name": served,
    }


def _given_argument(argument: Argument, written: str, value: Any) -> Given:
    field = _field_by_vllm_name().get(argument.name)
    if field is None:
        origin = Origin(Layer.COMMAND_LINE, name=written)
        return Given(f"{PASS_THROUGH_SECTION}.{argument.name}", written, value, origin)
    plain = value[0] if isinstance(value, list) else value
    return _given(field, written, plain)


def _given(field: SettingField, written: str, value: Any) -> Given:
    unset = isinstance(value, str) and value.lower() == "null"
    return Given(
        field.key, written, None if unset else value, Origin(Layer.COMMAND_LINE, name=written)
    )
