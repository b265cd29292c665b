"""`--svg FILE`: what a command shows, as a picture that needs nothing from the network."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mixvllm.errors import MixvllmError

if TYPE_CHECKING:
    from rich.console import RenderableType

# Rich's picture names a font of a web server; every viewer has a monospaced one of its own.
FONT_FACES = re.compile(r"@font-face \{\{.*?\}\}\s*", re.DOTALL)


def choose_picture(ctx: typer.Context, file: Path | None) -> Path | None:
    """Have the command's answers drawn into the file, whichever view they are."""
    if file is not None and not ctx.resilient_parsing:
        ctx.obj.output.picture = file
    return file


SvgOption = Annotated[
    Path | None,
    typer.Option(
        "--svg",
        metavar="FILE",
        callback=choose_picture,
        is_eager=True,
        help="Write what is shown to a file too, as an SVG picture.",
        show_default=False,
    ),
]


def write_picture(file: Path, shown: RenderableType, width: int) -> None:
    """Draw into a file; one that is there is replaced.

    Raises:
        MixvllmError: it cannot be written.
    """
    try:
        file.write_text(picture(shown, width), encoding="utf-8")
    except OSError as error:
        raise MixvllmError(
            f"{file} cannot be written: {error.strerror or error}.",
            hint="Give --svg a file in a directory that is there and can be written.",
        ) from error


def picture(shown: RenderableType, width: int) -> str:
    """The SVG of a renderable on a terminal of this width."""
    from rich._export_format import CONSOLE_SVG_FORMAT
    from rich.console import Console

    console = Console(
        file=io.StringIO(),
        record=True,
        width=width,
        force_terminal=True,
        color_system="truecolor",
        highlight=False,
        emoji=False,
    )
    console.print(shown)
    plain = FONT_FACES.sub("", CONSOLE_SVG_FORMAT)
    return console.export_svg(title="mixvllm", code_format=plain)
