"""`mixvllm gpus --watch`: the GPUs again and again, until Ctrl-C."""

from __future__ import annotations

import gc
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from mixvllm.cli.exit_status import ExitStatus
from mixvllm.cli.output import Output
from mixvllm.gpus.device import Inventory
from mixvllm.render.gpus import GpuView


def keep_showing(read: Callable[[], Inventory], every_s: float, output: Output) -> int:
    """Show the GPUs until Ctrl-C or SIGTERM: redrawn on a terminal, else one after another."""
    gc.enable()
    show = _redraw if output.out.is_terminal and not output.out.is_dumb_terminal else _print
    with ended_by_sigterm(), suppress(KeyboardInterrupt):
        show(read, every_s, output)
    return ExitStatus.DONE


def _print(read: Callable[[], Inventory], every_s: float, output: Output) -> NoReturn:
    while True:
        output.out.print(Group(Text(_now()), GpuView(read()), ""))
        output.out.file.flush()
        time.sleep(every_s)


def _redraw(read: Callable[[], Inventory], every_s: float, output: Output) -> NoReturn:
    """One write for each reading, so that nothing flickers; the terminal is left as it was."""
    first = _screen(read(), every_s)
    with Live(first, console=output.out, screen=True, auto_refresh=False) as live:
        while True:
            time.sleep(every_s)
            live.update(_screen(read(), every_s), refresh=True)


def _screen(inventory: Inventory, every_s: float) -> RenderableType:
    line = f"{_now()}   every {every_s:g} s   Ctrl-C ends"
    return Group(Text(line), GpuView(inventory))


def _now() -> str:
    return time.strftime("%H:%M:%S")


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end this block as Ctrl-C does, so that the terminal is put right."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
