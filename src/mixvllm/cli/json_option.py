"""The option of every command that answers: `--json`."""

from __future__ import annotations

from typing import Annotated

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Write one JSON document to stdout.")]
