"""`mixvllm config validate`: check files."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mixvllm.cli.exit_status import ExitStatus
from mixvllm.cli.invocation import Invocation
from mixvllm.cli.json_option import JsonOption
from mixvllm.errors import UsageError
from mixvllm.render.validation import report_as_github, report_as_json, report_as_text
from mixvllm.settings.check import check_files
from mixvllm.settings.resolve import DEFAULT_FILE

app = typer.Typer(rich_markup_mode="rich", add_completion=False)


class ReportFormat(StrEnum):
    """How `config validate` prints."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


@app.command(epilog="Example: [bold]mixvllm config validate configs/*.yaml --strict[/]")
def validate(
    ctx: typer.Context,
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE...", help="The files; ./mixvllm.yaml when none is named."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings are errors too.")] = False,
    form: Annotated[
        ReportFormat, typer.Option("--format", help="How the report is written.")
    ] = ReportFormat.TEXT,
    as_json: JsonOption = False,
) -> int:
    """Check files: all problems at once, each with file, line and column.

    Exit codes: 0 every file is right, 1 one is wrong.
    """
    invocation: Invocation = ctx.obj
    reports = check_files(files or [_default_file()], os.environ)
    output = invocation.output
    if as_json or form is ReportFormat.JSON:
        output.json(report_as_json(reports, strict=strict))
    elif form is ReportFormat.GITHUB:
        output.text(report_as_github(reports))
    else:
        output.out.print(report_as_text(reports, strict=strict), soft_wrap=True)
    right = all(report.is_ok(strict=strict) for report in reports)
    return ExitStatus.DONE if right else ExitStatus.FAILED


def _default_file() -> Path:
    default = Path(os.environ.get("MIXVLLM_CONFIG") or DEFAULT_FILE)
    if not default.exists():
        raise UsageError(
            f"No file is named, and there is no {default} here.",
            hint="Name the files: `mixvllm config validate FILE...`.",
        )
    return default
