"""Text whose lines stay indented where the terminal breaks them."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text


@dataclass(frozen=True)
class Hanging:
    """Lines, each of which may begin with blanks; what is broken off one begins with as many."""

    text: Text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """As it is where nothing is to be broken: in a pipe or a file."""
        if options.no_wrap:
            yield self.text
            return
        for line in self.text.split("\n", allow_blank=True):
            indent = len(line.plain) - len(line.plain.lstrip(" "))
            for part in line[indent:].wrap(console, max(1, options.max_width - indent)):
                part.rstrip()
                yield Text.assemble(" " * indent, part)
