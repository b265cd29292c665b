"""The command line as a layer: given flags, and what follows `--` for vLLM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from mixvllm.settings.fields import SettingField, all_fields
from mixvllm.settings.origin import given_by_flag
from mixvllm.settings.reading import Reading, find_contradictions

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
