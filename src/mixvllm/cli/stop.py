"""`mixvllm stop`: end a running server cleanly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mixvllm.cli.completion import complete_ports
from mixvllm.cli.exit_status import ExitStatus
from mixvllm.cli.invocation import Invocation
from mixvllm.cli.json_option import JsonOption
from mixvllm.errors import MixvllmError, UsageError
from mixvllm.server.registry import RunningServer, running_servers

if TYPE_CHECKING:
    from mixvllm.cli.output import Output

app = typer.Typer(rich_markup_mode="rich", add_completion=False)


@app.command(epilog="Example: [bold]mixvllm stop 8000[/]")
def stop(
    ctx: typer.Context,
    port: Annotated[
        int | None,
        typer.Argument(
            metavar="PORT",
            help="The port, where several servers run.",
            autocompletion=complete_ports,
        ),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="End every server that runs here.")] = False,
    as_json: JsonOption = False,
) -> int:
    """End a server as Ctrl-C would, and wait until it is gone."""
    from rich.text import Text  # not for a Tab

    invocation: Invocation = ctx.obj
    chosen = choose(running_servers(), port, everything=all_)
    for server in chosen:
        end(server, invocation.output)
    shown = Text("\n".join(f"Stopped {server.model} on port {server.port}." for server in chosen))
    invocation.output.answer(
        shown if chosen else Text("No server is running here."), stopped_as_json(chosen)
    )
    return ExitStatus.DONE


def stopped_as_json(servers: Sequence[RunningServer]) -> dict[str, Any]:
    """The JSON document of `mixvllm stop`."""
    return {"stopped": [asdict(server) for server in servers]}


def choose(
    servers: Sequence[RunningServer], port: int | None, *, everything: bool
) -> Sequence[RunningServer]:
    """The servers that are meant.

    Raises:
        UsageError: several run and none was named, or a port and `--all` were.
        MixvllmError: none of ours runs on the port.
    """
    if everything and port is not None:
        raise UsageError("Name a port or --all, not both.")
    if port is not None:
        found = [server for server in servers if server.port == port]
        if not found:
            raise MixvllmError(f"No server of mixvllm runs on port {port}.", hint=_listed(servers))
        return found
    if len(servers) > 1 and not everything:
        raise UsageError("Several servers run here: name a port, or --all.", hint=_listed(servers))
    return servers


def end(server: RunningServer, output: Output) -> None:
    """End one server.

    Raises:
        MixvllmError: it does not end, or belongs to somebody else.
    """
    from mixvllm.server.ending import end_server

    output.say(f"Stopping {server.model} on port {server.port} (process {server.pid}) ...")
    try:
        ended = end_server(server)
    except PermissionError as error:
        raise MixvllmError(f"Process {server.pid} belongs to another user.") from error
    if not ended:
        raise MixvllmError(
            f"The server on port {server.port} is still ending.",
            hint=f"Wait, or end it at once: kill -9 {server.pid}",
        )


def _listed(servers: Sequence[RunningServer]) -> str:
    ports = ", ".join(f"{server.port} ({server.model})" for server in servers)
    return f"Running: {ports}." if ports else "None runs here."
