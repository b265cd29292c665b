"""`mixvllm config validate`: check files."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mixvllm.cli.completion import complete_config_files, complete_gpus
from mixvllm.cli.exit_status import ExitStatus
from mixvllm.cli.failures import say_where_to_read_on
from mixvllm.cli.invocation import Invocation
from mixvllm.cli.json_option import JsonOption
from mixvllm.errors import UsageError
from mixvllm.settings.file_keys import DEFAULT_FILE

if TYPE_CHECKING:
    from mixvllm.memory.gpu_table import Gpu
    from mixvllm.settings.check import FileReport
    from mixvllm.sizing.present import PresentGpus

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
        typer.Argument(
            metavar="FILE",
            help="The files; ./mixvllm.yaml when none is named.",
            autocompletion=complete_config_files,
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings are errors too.")] = False,
    form: Annotated[
        ReportFormat, typer.Option("--format", help="How the report is written.")
    ] = ReportFormat.TEXT,
    gpu: Annotated[
        str | None,
        typer.Option(
            "--gpu",
            metavar="NAME|SIZE",
            help="The GPU that it must fit on, as in `estimate-kv`.",
            show_default="those present",
            autocompletion=complete_gpus,
        ),
    ] = None,
    online: Annotated[
        bool, typer.Option("--online", help="Ask the hub for models that are not known here.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Check files: all problems at once, each with file, line and column.

    A file is held against the settings that there are, against the model that it names (of this
    machine or the catalogue), and against the GPU: whether it fits.
    Exit codes: 0 every file is right, 1 one is wrong.
    """
    # What reads settings and draws: not for `--help` and a Tab.
    from mixvllm.cli.output import print_flowing
    from mixvllm.render.validation import report_as_github, report_as_json, report_as_text
    from mixvllm.settings.check import check_files

    invocation: Invocation = ctx.obj
    reports = check_files(files or [_default_file()], os.environ)
    reports = _judged(reports, gpu, online=online)
    output = invocation.output
    if as_json or form is ReportFormat.JSON:
        output.json(report_as_json(reports, strict=strict))
    elif form is ReportFormat.GITHUB:
        output.text(report_as_github(reports))
    else:
        print_flowing(output.out, report_as_text(reports, strict=strict))
        say_where_to_read_on(output, [problem for each in reports for problem in each.problems])
    right = all(report.is_ok(strict=strict) for report in reports)
    return ExitStatus.DONE if right else ExitStatus.FAILED


def _judged(reports: list[FileReport], gpu: str | None, *, online: bool) -> list[FileReport]:
    """The reports, held against models and GPUs as well where a file names a model."""
    if gpu is None and not any(report.names_model for report in reports):
        return reports
    # Models and their memory take longer to import than a file takes to check.
    from mixvllm.sizing.files import Given, judge_files

    named = None if gpu is None else _named(gpu)
    present = _present() if named is None else None
    return judge_files(reports, Given(named, present, online, os.environ))


def _named(gpu: str) -> Gpu | None:
    from mixvllm.sizing.request import named_gpu

    return named_gpu(gpu)


def _present() -> PresentGpus | None:
    """The GPUs of this machine; where there is no sign of any, nothing more is loaded to look."""
    from mixvllm.gpus.signs import any_sign

    if not any_sign():
        return None
    from mixvllm.sizing.present import present_gpus

    return present_gpus(os.environ)


def _default_file() -> Path:
    default = Path(os.environ.get("MIXVLLM_CONFIG") or DEFAULT_FILE)
    if not default.exists():
        raise UsageError(
            f"No file is named, and there is no {default} here.",
            hint="Name the files: `mixvllm config validate FILE...`. "
            "`mixvllm config init` writes one to start from.",
        )
    return default
