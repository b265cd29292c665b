"""What is meant by the words after `mixvllm explain`: a lesson, a setting, or a section of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from mixvllm.errors import UsageError
from mixvllm.lessons.lesson import Lesson
from mixvllm.lessons.library import as_topic, lesson_about, lessons_by_name
from mixvllm.lessons.troubles import troubles
from mixvllm.settings.fields import SettingField, all_fields, section_aliases
from mixvllm.vllm_internals.arguments import arguments

# How much of a name must be right; below that any two words are alike.
NEAR = 0.7


@dataclass(frozen=True)
class SettingExplained:
    """A setting, and the lesson that has the reasons."""

    field: SettingField
    lesson: Lesson | None


@dataclass(frozen=True)
class SectionExplained:
    """A section of the settings with its fields."""

    name: str
    fields: tuple[SettingField, ...]


def setting_meant(word: str) -> SettingExplained | SectionExplained | None:
    """The setting or section of this name: a flag, a key, a short name, a variable."""
    name = re.split(r"[= ]", word)[0] if word.startswith("-") else word
    for field in all_fields():
        if name in _names(field):
            return SettingExplained(field, lesson_about(field.key))
    section = section_aliases().get(name)
    fields = tuple(field for field in all_fields() if field.section == section)
    return SectionExplained(str(section), fields) if fields else None


def not_known(words: str) -> UsageError:
    """What to tell who asks for something that nobody explains, with the nearest name."""
    if own := arguments().get(words.lstrip("-").replace("-", "_")):
        return UsageError(
            f"{own.flag} is an argument of vLLM itself, and no lesson here is about it.",
            hint=f"`mixvllm serve MODEL -- {own.flag} ...` passes it on, as does `vllm:` in a "
            "file; vLLM's documentation explains it: https://docs.vllm.ai",
        )
    settings = (name for field in all_fields() for name in _names(field))
    names = [*lessons_by_name(), *troubles(), *settings]
    asked = words if words.startswith("-") or "." in words else as_topic(words)
    near = get_close_matches(asked, names, n=1, cutoff=NEAR) or [
        name for name in names if asked in name
    ]
    cure = f"Did you mean `mixvllm explain {near[0]}`? " if near else ""
    return UsageError(
        f"Nothing explains {words!r}.", hint=f"{cure}`mixvllm explain` lists the topics."
    )


def _names(field: SettingField) -> Iterator[str]:
    """Every way to name a setting; a bare field name too, where only one section has it."""
    yield from field.flags
    if field.is_flag_pair:
        yield field.flags[0].replace("--", "--no-", 1)
    yield field.environment_name
    for section in (field.section, *field.section_aliases):
        yield from (f"{section}.{name}" for name in (field.name, *field.aliases))
    yield from (field.name, *field.aliases)
