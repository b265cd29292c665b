"""The command line as a layer: given flags, and what follows `--` for vLLM."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from mixvllm.errors import Problem
from mixvllm.settings.fields import PASS_THROUGH_SECTION, SettingField, all_fields
from mixvllm.settings.flags import GivenFlag
from mixvllm.settings.names import nearest
from mixvllm.settings.origin import Given, given_by_flag
from mixvllm.settings.reading import Reading, find_contradictions

MODEL_ARGUMENT = "MODEL"
# What `vars(args)` of a program's own parser holds beside settings.
NO_SETTING = frozenset({"config"})


@cache
def _fields_by_flag() -> dict[str, SettingField]:
    by_flag = {spelling: field for field in all_fields() for spelling in field.flags}
    off = {s.replace("--", "--no-", 1): f for s, f in by_flag.items() if f.is_flag_pair}
    return {**by_flag, **off, MODEL_ARGUMENT: by_flag["--model"]}


def read_command_line(flags: Sequence[GivenFlag], pass_through: Sequence[str] = ()) -> Reading:
    """Read the flags that were given; what follows `--` is vLLM's own spelling."""
    given = [
        given_by_flag(_fields_by_flag()[flag.spelling].key, flag.spelling, flag.value)
        for flag in flags
    ]
    passed = Reading()
    if pass_through:
        # Most commands pass nothing on, and do without the reader of vLLM's flags.
        from mixvllm.settings.layers.vllm_flags import read_vllm_flags

        passed = read_vllm_flags(pass_through)
    everything = (*given, *passed.given)
    return Reading(everything, (*passed.problems, *find_contradictions(everything)))


def read_arguments(arguments: Mapping[str, Any]) -> Reading:
    """Read flags that a program gives by name (`gpu_memory=0.8`); None is not given.

    `vllm` takes a mapping of vLLM's own arguments.
    """
    given: list[Given] = []
    problems: list[Problem] = []
    for name, value in arguments.items():
        if value is None or name in NO_SETTING:
            continue
        field = _fields_by_flag().get(f"--{name.replace('_', '-')}")
        if field is not None:
            given.append(given_by_flag(field.key, name, value))
        elif name == PASS_THROUGH_SECTION and isinstance(value, Mapping):
            given.extend(_passed_on(value))
        else:
            problems.append(_unknown_argument(name))
    return Reading(tuple(given), (*problems, *find_contradictions(given)))


def _passed_on(arguments: Mapping[str, Any]) -> Iterator[Given]:
    for name, value in arguments.items():
        key = f"{PASS_THROUGH_SECTION}.{name.replace('-', '_')}"
        yield given_by_flag(key, f"{PASS_THROUGH_SECTION}.{name}", value)


def _unknown_argument(name: str) -> Problem:
    if name == PASS_THROUGH_SECTION:
        message, near = "must be a mapping of vLLM's own arguments", None
    else:
        known = [flag.lstrip("-").replace("-", "_") for flag in _fields_by_flag()]
        message, near = "is no setting", nearest(name, known)
    return Problem(message=message, key=name, suggestion=near, source="command line")
