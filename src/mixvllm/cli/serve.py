"""`mixvllm serve`: a model behind an OpenAI-compatible server."""

from __future__ import annotations

from typing import Annotated

import typer

from mixvllm.cli.json_option import JsonOption
from mixvllm.cli.options import (
    ConfigOption,
    ModelArgument,
    ProfileOption,
    with_setting_flags,
)
from mixvllm.settings.flags import GivenFlag

app = typer.Typer(rich_markup_mode="rich", add_completion=False)


@app.command(epilog="Example: [bold]mixvllm serve demo --host 127.0.0.1 --temperature 0.3[/]")
@with_setting_flags
def serve(
    ctx: typer.Context,
    flags: list[GivenFlag],
    model: ModelArgument = None,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print the settings and the vLLM arguments, and end."),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show vLLM's own log and every request.")
    ] = False,
    no_preflight: Annotated[
        bool,
        typer.Option(
            "--no-preflight",
            help="Start vLLM even where model, settings and memory do not go together.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Serve a model: vLLM's engine behind FastAPI, OpenAI-compatible.

    It answers /health, /live and /status from the first second. What follows `--` goes to vLLM.
    """
    # What reads settings and starts processes: not for `--help` and a Tab.
    from mixvllm.cli.serve_begin import Asked, begin

    asked = Asked(ctx.obj, flags, model, config, profile)
    return begin(asked, dry_run=dry_run, as_json=as_json, verbose=verbose, checked=not no_preflight)
