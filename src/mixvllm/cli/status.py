"""`mixvllm status`: the servers that run here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import typer

from mixvllm.cli.exit_status import ExitStatus
from mixvllm.cli.invocation import Invocation
from mixvllm.cli.json_option import JsonOption
from mixvllm.render.servers import server_table
from mixvllm.server.registry import RunningServer, running_servers

app = typer.Typer(rich_markup_mode="rich", add_completion=False)


@app.command(epilog="Example: [bold]mixvllm status --json[/]")
def status(ctx: typer.Context, as_json: JsonOption = False) -> int:
    """List the servers that this user runs on this machine."""
    invocation: Invocation = ctx.obj
    servers = running_servers()
    invocation.output.answer(server_table(servers), running_as_json(servers))
    return ExitStatus.DONE


def running_as_json(servers: Sequence[RunningServer]) -> dict[str, Any]:
    """The JSON document of `mixvllm status`."""
    return {"servers": [asdict(server) for server in servers]}
