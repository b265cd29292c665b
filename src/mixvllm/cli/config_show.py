"""`mixvllm config show`: the effective settings, and where each value came from."""

from __future__ import annotations

import shlex
from enum import StrEnum
from typing import Annotated

import typer

from mixvllm.cli.exit_status import ExitStatus
from mixvllm.cli.invocation import Invocation
from mixvllm.cli.json_option import JsonOption
from mixvllm.cli.options import ConfigOption, ProfileOption, with_setting_flags
from mixvllm.cli.settings import resolve_settings
from mixvllm.settings.flags import GivenFlag

app = typer.Typer(rich_markup_mode="rich", add_completion=False)


class ShowFormat(StrEnum):
    """How `config show` prints."""

    TABLE = "table"
    YAML = "yaml"
    JSON = "json"


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
    # What draws: not for `--help` and a Tab.
    from mixvllm.render.settings import settings_as_json
    from mixvllm.render.settings_table import settings_table
    from mixvllm.render.settings_yaml import settings_as_yaml

    invocation: Invocation = ctx.obj
    resolved = resolve_settings(invocation, flags, config, profile)
    if vllm_args:
        # What it needs (package metadata, the demo model) takes time that the other forms save.
        from mixvllm.cli.vllm_arguments import vllm_arguments

        arguments = vllm_arguments(invocation, resolved.settings)
        if invocation.output.as_json:
            invocation.output.json({"vllm_arguments": arguments})
        else:
            invocation.output.text(shlex.join(arguments))
    elif as_json or form is ShowFormat.JSON:
        invocation.output.json(settings_as_json(resolved))
    elif form is ShowFormat.YAML:
        invocation.output.text(settings_as_yaml(resolved))
    else:
        invocation.output.out.print(settings_table(resolved.values))
    return ExitStatus.DONE
