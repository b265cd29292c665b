"""`mixvllm doctor`: what is installed, what is missing, and what to do about it."""

from __future__ import annotations

from typing import Annotated

import typer

from mixvllm.cli.exit_status import ExitStatus
from mixvllm.cli.invocation import Invocation
from mixvllm.cli.json_option import JsonOption
from mixvllm.doctor.examine import examine
from mixvllm.render.doctor import ReportView, report_as_json

app = typer.Typer(rich_markup_mode="rich", add_completion=False)


@app.command(epilog="Example: [bold]mixvllm doctor --strict && mixvllm serve ...[/]")
def doctor(
    ctx: typer.Context,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 3 on any warning or error.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Look at this machine: versions, GPUs, limits, hub, disk, port, config, leftovers.

    Takes a second and loads neither torch nor vLLM. Each problem has the command that helps.
    """
    invocation: Invocation = ctx.obj
    report = examine()
    invocation.output.answer(ReportView(report), report_as_json(report))
    return ExitStatus.NO if strict and report.has_problems else ExitStatus.DONE
