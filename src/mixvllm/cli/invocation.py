"""What a command is given by the command line around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mixvllm.cli.output import Output


@dataclass(frozen=True)
class Invocation:
    """What `main` found before typer parsed the rest; commands find it as `ctx.obj`.

    Attributes:
        output: Where the command speaks.
        pass_through: What followed `--`, or None where there was none.
    """

    output: Output
    pass_through: tuple[str, ...] | None
