"""`mixvllm config`: check and show settings; its other commands are in modules of their own."""

from __future__ import annotations

import os
import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mixvllm.cli.app import Invocation
from mixvllm.cli.config_init import init
from mixvllm.cli.config_schema import schema
from mixvllm.cli.exit_status import ExitStatus
from mixvllm.cli.options import ConfigOption, JsonOption, ProfileOption, with_setting_flags
from mixvllm.cli.settings import resolve_settings, vllm_arguments
from mixvllm.errors import UsageError
from mixvllm.render.settings import settings_as_json, settings_table
from mixvllm.render.settings_yaml import settings_as_yaml
from mixvllm.render.validation import report_as_github, report_as_json, report_as_text
from mixvllm.settings.check import check_files
from mixvllm.settings.layers.command_line import GivenFlag
from mixvllm.settings.resolve import DEFAULT_FILE

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Check, show and write configuration files.",
)


class ShowFormat(StrEnum):
    """How `config show` prints."""

    TABLE = "table"
    YAML = "yaml"
    JSON = "json"


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


@app.command(epilog="Example: [bold]mixvllm config show --config configs/phi3.yaml --port 9000[/]")
@with_setting_flags
def show(
    ctx: typer.Context,
    flags: list[GivenFlag],
    config: ConfigOption = None,
    profile: ProfileOption = None,
    form: Annotated[
        ShowFormat, typer.Option("--format", help="How the settings are written.")
    ] = ShowFormat.TABLE,
    as_json: JsonOption = False,
    vllm_args: Annotated[
        bool,
        typer.Option("--vllm-args", help="Print the equivalent vLLM arguments as one shell line."),
    ] = False,
) -> int:
    """Show the effective settings, and where each value came from."""
    invocation: Invocation = ctx.obj
    resolved = resolve_settings(invocation, flags, config, profile)
    if vllm_args:
        invocation.output.text(shlex.join(vllm_arguments(invocation, resolved.settings)))
    elif as_json or form is ShowFormat.JSON:
        invocation.output.json(settings_as_json(resolved))
    elif form is ShowFormat.YAML:
        invocation.output.text(settings_as_yaml(resolved))
    else:
        invocation.output.out.print(settings_table(resolved.values))
    return ExitStatus.DONE


app.command(epilog="Example: [bold]mixvllm config schema > mixvllm.schema.json[/]")(schema)
app.command(epilog='Example: [bold]mixvllm config init --from "vllm serve M -tp 2"[/]')(init)


def _default_file() -> Path:
    default = Path(os.environ.get("MIXVLLM_CONFIG") or DEFAULT_FILE)
    if not default.exists():
        raise UsageError(
            f"No file is named, and there is no {default} here.",
            hint="Name the files: `mixvllm config validate FILE...`.",
        )
    return default
