"""The environment as a layer: `MIXVLLM_<SECTION>__<FIELD>`, aliases included."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from mixvllm.errors import Problem
from mixvllm.settings.fields import (
    ENVIRONMENT_PREFIX,
    PASS_THROUGH_SECTION,
    SettingField,
    all_fields,
    fields_by_key,
)
from mixvllm.settings.names import nearest
from mixvllm.settings.origin import Given, Layer, Origin
from mixvllm.settings.problems import problem_at
from mixvllm.settings.reading import Reading, find_contradictions
from mixvllm.vllm_internals.arguments import arguments

CONFIG_VARIABLE = "MIXVLLM_CONFIG"
PROFILE_VARIABLE = "MIXVLLM_PROFILE"
# Set by `serve` for its own children, never by users.
INTERNAL_VARIABLES = frozenset({"MIXVLLM_OWNER_PID", "MIXVLLM_OWNER_START"})
# vLLM's own variables that mean one of our settings; ours beats them.
VLLM_VARIABLES = {
    "VLLM_CPU_KVCACHE_SPACE": "inference.cpu_kv_cache_gib",
    "VLLM_API_KEY": "server.api_key",
}
WHOLE_MAPPING = f"{ENVIRONMENT_PREFIX}{PASS_THROUGH_SECTION.upper()}"
MAPPING_PREFIX = f"{WHOLE_MAPPING}__"


def read_environment(environment: Mapping[str, str]) -> Reading:
    """Read the variables that are settings; an empty one is unset.

    Unknown `MIXVLLM_*` names are warnings with the nearest name.
    """
    known = _known_variables()
    given = [
        _given(key, name, environment[name])
        for name, key in VLLM_VARIABLES.items()
        if environment.get(name)
    ]
    problems: list[Problem] = []
    ours: list[Given] = []
    for name in sorted(n for n in environment if n.upper().startswith(ENVIRONMENT_PREFIX)):
        value, spelled = environment[name], name.upper()
        if not value or spelled in (CONFIG_VARIABLE, PROFILE_VARIABLE, *INTERNAL_VARIABLES):
            continue
        if spelled in known:
            ours.append(_given(known[spelled].key, name, value))
        elif spelled == WHOLE_MAPPING:
            mapping = _read_mapping(name, value)
            ours.extend(mapping.given)
            problems.extend(mapping.problems)
        elif spelled.startswith(MAPPING_PREFIX):
            argument = spelled[len(MAPPING_PREFIX) :].lower()
            ours.append(_given_argument(argument, name, value))
        else:
            problems.append(_unknown(name, known))
    problems.extend(find_contradictions(ours))
    return Reading((*given, *ours), tuple(problems))


def without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that set nothing of ours: for a child that is told its settings."""
    return {
        name: value
        for name, value in environment.items()
        if not name.upper().startswith(ENVIRONMENT_PREFIX) and name not in VLLM_VARIABLES
    }


def _known_variables() -> dict[str, SettingField]:
    return {
        f"{ENVIRONMENT_PREFIX}{section}__{name}".upper(): field
        for field in all_fields()
        for section in (field.section, *field.section_aliases)
        for name in (field.name, *field.aliases)
    }


def _given(key: str, name: str, value: Any) -> Given:
    unset = isinstance(value, str) and value.lower() == "null"
    # A secret may have any value, that word included.
    if key in fields_by_key() and fields_by_key()[key].is_secret:
        unset = False
    return Given(key, name, None if unset else value, Origin(Layer.ENVIRONMENT, name=name))


def _given_argument(argument: str, name: str, value: str) -> Given:
    """Switches need true or false; everything else is vLLM's parser's to read."""
    known = arguments().get(argument)
    plain: Any = value
    if known and known.kind.startswith("switch") and value.lower() in ("true", "false", "1", "0"):
        plain = value.lower() in ("true", "1")
    elif known and known.kind in ("list", "repeated"):
        plain = value.split()
    return _given(f"{PASS_THROUGH_SECTION}.{argument}", name, plain)


def _read_mapping(name: str, value: str) -> Reading:
    """`MIXVLLM_VLLM='{"tool_call_parser": "hermes"}'`: the whole mapping as JSON."""
    whole = _given(PASS_THROUGH_SECTION, name, value)
    try:
        mapping = json.loads(value)
    except json.JSONDecodeError as error:
        return Reading(problems=(problem_at(whole, f"must be a JSON object: {error}"),))
    if not isinstance(mapping, dict):
        return Reading(problems=(problem_at(whole, "must be a JSON object"),))
    return Reading(
        tuple(
            _given(f"{PASS_THROUGH_SECTION}.{key.replace('-', '_')}", name, item)
            for key, item in mapping.items()
        )
    )


def _unknown(name: str, known: Iterable[str]) -> Problem:
    return Problem(
        message="is no setting and is ignored",
        key=name,
        severity="warning",
        suggestion=nearest(name.upper(), [*known, CONFIG_VARIABLE, PROFILE_VARIABLE]),
        source="environment",
        code="unknown-setting",
    )
