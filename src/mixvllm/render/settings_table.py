"""Effective settings with their origins, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from mixvllm.render.fitting_table import what_is_left_out
from mixvllm.render.settings import SECRET_SHOWN, shown_value
from mixvllm.render.theme import NAME

if TYPE_CHECKING:
    from mixvllm.settings.merge import ResolvedValue

# The cells that a value and an origin need to be read, and the gaps between them.
LEAST_BESIDE_NAMES = 32


def settings_table(values: Sequence[ResolvedValue]) -> RenderableType:
    """`config show`: value, origin, and what it beat."""
    return SettingsTable(values)


@dataclass(frozen=True)
class SettingsTable:
    """A row for each setting; origins are left out where there is no room for a word of theirs."""

    values: Sequence[ResolvedValue]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Values and origins may be broken, names of settings not."""
        widest = max((len(value.key.partition(".")[2]) for value in self.values), default=0)
        has_origins = options.max_width >= widest + LEAST_BESIDE_NAMES
        table = Table(box=None, pad_edge=False, header_style=NAME)
        table.add_column("setting", no_wrap=True)
        table.add_column("value", overflow="fold")
        if has_origins:
            table.add_column("origin", overflow="fold")
        for section, group in groupby(self.values, lambda value: value.key.partition(".")[0]):
            table.add_row(Text(section, style=NAME))
            for value in group:
                cells = _setting_cells(value)
                table.add_row(*(cells if has_origins else cells[:-1]))
        yield table
        if not has_origins:
            yield what_is_left_out(["origin"])


def _setting_cells(value: ResolvedValue) -> list[Text]:
    is_default = str(value.origin).startswith("default")
    return [
        Text(f"  {value.key.partition('.')[2]}"),
        Text(shown_value(value.value), style="" if is_default else NAME),
        Text(_origin(value)),
    ]


def _origin(value: ResolvedValue) -> str:
    beaten = [
        f"{SECRET_SHOWN if value.is_secret else shown_value(b.value)} ({b.origin})"
        for b in value.overrides
        if not str(b.origin).startswith("default")
    ]
    return str(value.origin) + (", over " + ", ".join(beaten) if beaten else "")
