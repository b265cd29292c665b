"""Shows on the terminal how far a server is: live, or line by line."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Literal

from rich.console import Console, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from mixvllm.cli.output import print_flowing
from mixvllm.render.progress import (
    PassedPhase,
    checklist,
    curl_line,
    phase_line,
    ready_lines,
    worded_event,
)
from mixvllm.render.reload import reload_lines
from mixvllm.render.theme import MARK
from mixvllm.server.lifecycle import START_UP, Phase
from mixvllm.server.logs import json_line
from mixvllm.server.progress import PhaseProgress, Reporter, ServerEvent, ServerReady
from mixvllm.server.reload import ReloadRefused, SettingsReloaded

EVENT_NAMES: dict[type[ServerEvent], str] = {
    PhaseProgress: "phase",
    ServerReady: "ready",
    SettingsReloaded: "reloaded",
    ReloadRefused: "reload refused",
}
ViewKind = Literal["checklist", "lines", "json"]


class PlainView:
    """One line a phase, for logs and pipes."""

    def __init__(self, console: Console, *, needs_key: bool) -> None:
        self._console = console
        self._needs_key = needs_key
        self._phase: Phase | None = None

    def show(self, event: ServerEvent) -> None:
        """Show an event."""
        if isinstance(event, ServerReady):
            say_ready(self._console, event, needs_key=self._needs_key)
        elif isinstance(event, SettingsReloaded | ReloadRefused):
            print_flowing(self._console, reload_lines(event))
        elif event.phase != self._phase and not is_wordless(event):
            self._phase = event.phase
            print_flowing(self._console, phase_line(event))


class LiveView:
    """A checklist that is redrawn until the server is ready, and plain lines after that."""

    def __init__(self, console: Console, *, needs_key: bool) -> None:
        self._console = console
        self._needs_key = needs_key
        self._spinner = Spinner("dots", style=MARK)
        self._passed: list[PassedPhase] = []
        self._current = PhaseProgress(Phase.STARTING, None, 0.0)
        self._phase_began_s = 0.0
        self._seen_at = time.monotonic()
        self._after = PlainView(console, needs_key=needs_key)
        self._live: Live | None = Live(
            console=console,
            get_renderable=self._draw,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def show(self, event: ServerEvent) -> None:
        """Show an event."""
        if self._live is not None and isinstance(event, PhaseProgress) and event.phase in START_UP:
            self._advance(event)
            return
        if isinstance(event, SettingsReloaded | ReloadRefused) and self._live is not None:
            print_flowing(self._live.console, reload_lines(event))
            return
        self.close()
        self._after.show(event)

    def close(self) -> None:
        """Leave the terminal to others."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _advance(self, event: PhaseProgress) -> None:
        if event.phase != self._current.phase:
            took = event.elapsed_s - self._phase_began_s
            self._passed.append(PassedPhase(self._current.phase, took))
            self._phase_began_s = event.elapsed_s
        self._current = event
        self._seen_at = time.monotonic()

    def _draw(self) -> RenderableType:
        since = time.monotonic() - self._seen_at
        return checklist(
            self._passed,
            self._current.phase,
            self._current.progress,
            elapsed_s=self._current.elapsed_s - self._phase_began_s + since,
            spinner=self._spinner,
        )


class JsonView:
    """One JSON document a line for every step, for log collectors."""

    def __init__(self, console: Console) -> None:
        self._file = console.file

    def show(self, event: ServerEvent) -> None:
        """Show an event."""
        level, message = worded_event(event)
        data = {key: value for key, value in asdict(event).items() if key != "message"}
        if "elapsed_s" in data:
            data["elapsed_s"] = round(data["elapsed_s"], 3)
        line = json_line(level, "mixvllm", message, event=EVENT_NAMES[type(event)], **data)
        self._file.write(line + "\n")
        self._file.flush()


@contextmanager
def progress_view(console: Console, *, needs_key: bool, kind: ViewKind) -> Iterator[Reporter]:
    """What shows events on the console."""
    if kind == "json":
        yield JsonView(console).show
        return
    if kind == "lines":
        yield PlainView(console, needs_key=needs_key).show
        return
    view = LiveView(console, needs_key=needs_key)
    try:
        yield view.show
    finally:
        view.close()


def is_wordless(event: PhaseProgress) -> bool:
    """Whether the cause of a restart is still being looked for."""
    return event.phase is Phase.RESTARTING and event.progress is None


def say_ready(console: Console, event: ServerReady, *, needs_key: bool) -> None:
    """Print what to know when the server is ready."""
    for line in ready_lines(event):
        print_flowing(console, line)
    if not event.restarts:
        # One line for the shell, however narrow the terminal is.
        console.print("Try it:")
        console.print(Text("  " + curl_line(event, needs_key=needs_key)), soft_wrap=True)
