"""`mixvllm config schema`: the JSON Schema for editors."""

from __future__ import annotations

from typing import Annotated

import typer

from mixvllm.cli.invocation import Invocation
from mixvllm.cli.json_option import JsonOption
from mixvllm.settings.json_schema import config_schema
from mixvllm.settings.mcp_schema import mcp_schema

app = typer.Typer(rich_markup_mode="rich", add_completion=False)


@app.command(epilog="Example: [bold]mixvllm config schema > mixvllm.schema.json[/]")
def schema(
    ctx: typer.Context,
    mcp: Annotated[
        bool, typer.Option("--mcp", help="The schema of a file of MCP servers instead.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the JSON Schema of a config file, for completion and checks in editors.

    An editor finds it through the first line of a config file:

    # yaml-language-server: $schema=mixvllm.schema.json
    """
    invocation: Invocation = ctx.obj
    invocation.output.json(mcp_schema() if mcp else config_schema())
