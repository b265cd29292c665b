"""Settings as commented YAML: what the starter file and the reference file are made of."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any

from mixvllm.settings.fields import SettingField, sections
from mixvllm.settings.yaml_writer import write_yaml

WIDTH = 100
INDENT = "  "


def section_heading(section: str) -> str:
    """The comment and the key that begin a section."""
    meaning = (sections()[section].__doc__ or "").splitlines()[0]
    return f"# {meaning}\n{section}:\n"


def field_entry(field: SettingField, value: Any = None, notes: Iterable[str] = ()) -> str:
    """A field with its meaning above it; unset, it is a commented example.

    Args:
        field: The field.
        value: The value to write, or None.
        notes: Further comments, below the meaning.
    """
    comments = [line for text in (field.meaning, *notes) for line in _wrapped(text)]
    shown = field.example if value is None else value
    entry = write_yaml({field.name: shown}).rstrip("\n")
    lines = [*comments, f"# {entry}" if value is None else entry]
    return "".join(f"{INDENT}{line}\n" for line in lines)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH - len(INDENT),
        initial_indent="# ",
        subsequent_indent="# ",
        break_long_words=False,
        break_on_hyphens=False,
    )
