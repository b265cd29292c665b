"""The fields of the schema as a flat list: names, aliases, flags, ranges, descriptions.

One reading of `schema.py` that the layers, the command line and the documents share.
"""

from __future__ import annotations

import types
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from mixvllm.settings.schema import ServeConfig

ENVIRONMENT_PREFIX = "MIXVLLM_"
PASS_THROUGH_SECTION = "vllm"
TOKEN_COUNTS = frozenset({"inference.max_model_len", "inference.max_num_batched_tokens"})


@dataclass(frozen=True)
class SettingField:
    """One field of one section.

    Attributes:
        section: The section's canonical name.
        name: The field's canonical name.
        section_aliases: Other names of the section.
        aliases: Other names of the field.
        info: pydantic's own description of the field.
    """

    section: str
    name: str
    section_aliases: tuple[str, ...]
    aliases: tuple[str, ...]
    info: FieldInfo

    @property
    def key(self) -> str:
        """The canonical key: `server.port`."""
        return f"{self.section}.{self.name}"

    @property
    def environment_name(self) -> str:
        """The variable that sets it: `MIXVLLM_SERVER__PORT`."""
        return f"{ENVIRONMENT_PREFIX}{self.section}__{self.name}".upper()

    @property
    def extra(self) -> dict[str, Any]:
        """What `setting()` recorded beside pydantic's own facts."""
        extra = self.info.json_schema_extra
        return extra if isinstance(extra, dict) else {}

    @property
    def flags(self) -> tuple[str, ...]:
        """The spellings on the command line, the short and usual one first."""
        if self.key == "model.name":
            return ("--model",)
        spellings = (*(_as_flag(alias) for alias in self.aliases), _as_flag(self.name))
        return (*spellings, *self.extra.get("x-flags", ()))

    @property
    def meaning(self) -> str:
        """One sentence."""
        return str(self.extra["x-meaning"])

    @property
    def trade_off(self) -> str:
        """What another value costs, or nothing."""
        return str(self.extra.get("x-trade-off", ""))

    @property
    def description(self) -> str:
        """Meaning and trade-off."""
        return self.info.description or ""

    @property
    def example(self) -> Any:
        """A value as it stands in YAML."""
        return self.extra["examples"][0]

    @property
    def is_flag_pair(self) -> bool:
        """Whether the command line spells it `--x / --no-x`."""
        return self.info.annotation is bool

    @property
    def is_token_count(self) -> bool:
        """Whether it is a number of tokens, which may be written `32k`."""
        return self.key in TOKEN_COUNTS

    @property
    def is_secret(self) -> bool:
        """Whether its value must never be shown."""
        return SecretStr in _members(self.info.annotation)

    @property
    def choices(self) -> tuple[str, ...]:
        """The closed list of values, or nothing."""
        for member in _members(self.info.annotation):
            if get_origin(member) is Literal:
                return tuple(str(choice) for choice in get_args(member))
        return ()

    @property
    def type_name(self) -> str:
        """What kind of value it takes, in a word: `integer`, `number`, `text`, `true/false`."""
        names = {bool: "true/false", int: "integer", float: "number", str: "text"}
        plain = [names[m] for m in _members(self.info.annotation) if m in names]
        choices = [" | ".join(self.choices)] if self.choices else []
        return " or ".join([*plain, *choices]) or "text"

    @property
    def range_text(self) -> str | None:
        """The allowed range in words, or None where there is none."""
        bounds = _bounds(self.info)
        low, high = bounds.get("ge", bounds.get("gt")), bounds.get("le", bounds.get("lt"))
        if low is None and high is None:
            return None
        above = f"more than {low}" if "gt" in bounds else f"at least {low}"
        below = f"less than {high}" if "lt" in bounds else f"at most {high}"
        if low is None:
            return below
        if high is None:
            return above
        if "gt" in bounds or "lt" in bounds:
            return f"{above} and {below}"
        return f"between {low} and {high}"

    @property
    def default_text(self) -> str:
        """The default as documents print it."""
        note = self.extra.get("x-default")
        if note:
            return str(note)
        default = self.info.default
        if isinstance(default, bool):
            return str(default).lower()
        return "unset" if default is None else str(default)


def _as_flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _members(annotation: Any) -> tuple[Any, ...]:
    """The plain types in an annotation: unions opened, `Annotated` and None taken off."""
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(m for part in get_args(annotation) for m in _members(part))
    if hasattr(annotation, "__metadata__"):
        return _members(annotation.__origin__)
    return () if annotation is type(None) else (annotation,)


def _bounds(info: FieldInfo) -> dict[str, Any]:
    metadata = list(info.metadata)
    for part in get_args(info.annotation):
        for item in getattr(part, "__metadata__", ()):
            metadata.extend(item.metadata if isinstance(item, FieldInfo) else [item])
    bounds = {}
    for item in metadata:
        for kind, attribute in ((Ge, "ge"), (Gt, "gt"), (Le, "le"), (Lt, "lt")):
            if isinstance(item, kind):
                bounds[attribute] = getattr(item, attribute)
    return bounds


def _aliases(info: FieldInfo) -> tuple[str, ...]:
    extra = info.json_schema_extra
    alias = extra.get("x-alias") if isinstance(extra, dict) else None
    return (str(alias),) if alias else ()


@cache
def sections() -> dict[str, type[BaseModel]]:
    """The sections that have fields, by canonical name."""
    return {
        name: info.annotation
        for name, info in ServeConfig.model_fields.items()
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel)
    }


@cache
def section_aliases() -> dict[str, str]:
    """Every name a section may be written under, with the canonical one."""
    names = {}
    for name, info in ServeConfig.model_fields.items():
        for written in (name, *_aliases(info)):
            names[written] = name
    return names


@cache
def all_fields() -> tuple[SettingField, ...]:
    """Every field of every section, in the order of the schema."""
    return tuple(
        SettingField(
            section, name, _aliases(ServeConfig.model_fields[section]), _aliases(info), info
        )
        for section, model in sections().items()
        for name, info in model.model_fields.items()
    )


@cache
def fields_by_key() -> dict[str, SettingField]:
    """Every field by its canonical key."""
    return {field.key: field for field in all_fields()}


@cache
def field_names(section: str) -> dict[str, SettingField]:
    """Every name a field of the section may be written under."""
    return {
        written: field
        for field in all_fields()
        if field.section == section
        for written in (field.name, *field.aliases)
    }
