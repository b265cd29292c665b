"""The settings' flags as plain data: `--help` needs no schema, which takes 0.2 s to import.

`python -m mixvllm.cli.reference` writes `flags.json` from the schema, and its `--check` compares.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mixvllm.settings.fields import SettingField

FLAGS_FILE = Path(__file__).with_name("flags.json")


@dataclass(frozen=True)
class GivenFlag:
    """A flag as the user wrote it (`--gpus`, or `MODEL` for the argument) and its value."""

    spelling: str
    value: Any


@dataclass(frozen=True)
class SettingFlag:
    """What the command line tells of one setting; as `SettingField` has it.

    Attributes:
        key: The canonical key: `server.port`.
        flags: The spellings, the short and usual one first.
        meaning: One sentence.
        type_name: What kind of value it takes: `integer`, `number`, `text`, `true/false`.
        choices: The closed list of values, or nothing.
        range_text: The allowed range in words, or None.
        default_text: The default in words.
        is_flag_pair: Whether it is spelled `--x / --no-x`.
    """

    key: str
    flags: tuple[str, ...]
    meaning: str
    type_name: str
    choices: tuple[str, ...]
    range_text: str | None
    default_text: str
    is_flag_pair: bool

    @property
    def section(self) -> str:
        """The section's canonical name."""
        return self.key.partition(".")[0]

    @property
    def name(self) -> str:
        """The field's canonical name."""
        return self.key.partition(".")[2]


@cache
def setting_flags() -> tuple[SettingFlag, ...]:
    """Every setting, in the order of the schema."""
    return tuple(
        SettingFlag(**{**each, "flags": tuple(each["flags"]), "choices": tuple(each["choices"])})
        for each in json.loads(FLAGS_FILE.read_text(encoding="utf-8"))
    )


def flags_text(settings: tuple[SettingField, ...]) -> str:
    """What the file has to be for these fields of the schema."""
    names = [field.name for field in fields(SettingFlag)]
    flags = [SettingFlag(**{name: getattr(each, name) for name in names}) for each in settings]
    return json.dumps([asdict(flag) for flag in flags], indent=1) + "\n"
