"""The servers that run here, for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from mixvllm.render.fitting_table import FittingTable
from mixvllm.server.registry import RunningServer

HEADS = ("port", "phase", "model", "url", "pid")
LOG = "log"
UNKNOWN = "-"


def server_table(servers: Sequence[RunningServer]) -> RenderableType:
    """The running servers."""
    return ServerTable(servers) if servers else Text("No server is running here.")


@dataclass(frozen=True)
class ServerTable:
    """A row for each server; the paths of logs stand below where there is no room for them."""

    servers: Sequence[RunningServer]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """No path is broken that a terminal has room for."""
        rows = [_cells(server) for server in self.servers]
        heads = (*HEADS, LOG)
        whole = FittingTable(heads, rows, left=heads, dropped_first=())
        if whole.needed_width(console, options) <= options.max_width:
            yield whole
            return
        yield FittingTable(HEADS, [row[:-1] for row in rows], HEADS, dropped_first=("pid", "url"))
        yield ""
        for server in self.servers:
            yield Text(f"log of {server.port}:\n  {server.log or UNKNOWN}", overflow="fold")


def _cells(server: RunningServer) -> list[Text]:
    # As text: `[v2]` in a name is no markup.
    port, pid = str(server.port), str(server.pid)
    shown = (port, server.phase, server.model, server.url, pid, server.log or UNKNOWN)
    return [Text(each) for each in shown]
