"""The table of the running servers."""

from __future__ import annotations

import io

from rich.console import Console

from mixvllm.render.servers import server_table
from mixvllm.server.registry import RunningServer

LOG = "/home/me/.local/state/mixvllm/logs/serve-20260102-030405-693.log"
URL = "http://127.0.0.1:8000"
SERVER = RunningServer(693, 0.0, "127.0.0.1", 8000, URL, "m[v2]", "ready", 0.0, log=LOG)


def drawn(width: int) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=width).print(server_table([SERVER]))
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_a_wide_terminal_has_a_row_for_each_server() -> None:
    head, row = drawn(140)

    assert head.split() == ["port", "phase", "model", "url", "pid", "log"]
    assert row.split() == ["8000", "ready", "m[v2]", URL, "693", LOG]


def test_a_path_that_has_no_room_in_the_table_stands_whole_below_it() -> None:
    head, row, _, whose, path = drawn(80)

    assert head.split() == ["port", "phase", "model", "url", "pid"]
    assert row.split() == ["8000", "ready", "m[v2]", URL, "693"]
    assert (whose, path.strip()) == ("log of 8000:", LOG)


def test_a_narrow_terminal_goes_without_what_can_be_looked_up() -> None:
    head, *_ = drawn(40)

    assert head.split() == ["port", "phase", "model"]
