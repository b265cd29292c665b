"""What there is to know of one setting, in Markdown and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mixvllm.settings.fields import SettingField


def setting_markdown(field: SettingField) -> str:
    """Its meaning, and its names and limits below."""
    facts = "\n".join(f"- {name}: {fact}" for name, fact in _facts(field))
    return f"# `{field.key}`\n\n{field.description}\n\n{facts}\n"


def section_markdown(name: str, fields: Sequence[SettingField]) -> str:
    """The settings of a section, one a line."""
    rows = "\n".join(f"- `{field.key}`: {field.meaning}" for field in fields)
    return f"# `{name}`\n\n{rows}\n\n`mixvllm explain {fields[0].key}` tells more of one.\n"


def setting_as_json(field: SettingField) -> dict[str, Any]:
    """The same for programs; `default` is null where it is unset or depends on the machine."""
    info = field.info
    return {
        "key": field.key,
        "meaning": field.meaning,
        "trade_off": field.trade_off or None,
        "value": field.type_name,
        "range": field.range_text,
        "choices": list(field.choices) or None,
        "default": None if info.default_factory else info.default,
        "default_in_words": field.default_text,
        "short_names": list(field.aliases),
        "flags": list(field.flags),
        "environment": field.environment_name,
        "example": field.example,
        "is_secret": field.is_secret,
    }


def _facts(field: SettingField) -> Iterator[tuple[str, str]]:
    yield "value", ", ".join(fact for fact in (field.type_name, field.range_text) if fact)
    yield "default", field.default_text
    yield "in a file", f"`{field.section}: {{{field.name}: {_example(field)}}}`"
    if field.aliases:
        yield "short name", ", ".join(f"`{field.section}.{alias}`" for alias in field.aliases)
    negative = [field.flags[0].replace("--", "--no-", 1)] if field.is_flag_pair else []
    yield "flag", ", ".join(f"`{flag}`" for flag in (*field.flags, *negative))
    yield "environment", f"`{field.environment_name}`"


def _example(field: SettingField) -> str:
    return str(field.example).lower() if field.is_flag_pair else str(field.example)
