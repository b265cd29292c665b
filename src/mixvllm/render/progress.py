"""A server's way to ready: a line a phase, a live checklist, and what to do when it is there."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from mixvllm.render.theme import GOOD, MARK, NAME, WARNING
from mixvllm.server.lifecycle import Phase, Progress
from mixvllm.server.progress import PhaseProgress, ServerEvent, ServerReady
from mixvllm.server.reload import ReloadRefused, SettingsReloaded

MEANINGS = {
    Phase.STARTING: "starting",
    Phase.CHECKING: "checking the model",
    Phase.DOWNLOADING: "downloading the model",
    Phase.LOADING: "loading the engine",
    Phase.COMPILING: "compiling the model",
    Phase.WARMING: "warming up",
    Phase.READY: "ready",
    Phase.RESTARTING: "restarting",
    Phase.DRAINING: "stopping",
    Phase.STOPPED: "stopped",
}
BAR_WIDTH = 24


@dataclass(frozen=True)
class PassedPhase:
    """A phase that is over, and how long it took."""

    phase: Phase
    took_s: float


def phase_line(event: PhaseProgress) -> Text:
    """One phase as a plain line: `[   3.2 s] loading the engine`."""
    line = Text(f"[{event.elapsed_s:6.1f} s] {MEANINGS[event.phase]}")
    if event.phase is Phase.RESTARTING and event.progress is not None:
        line.append(f": {event.progress.detail}", style=WARNING)
    return line


def worded_event(event: ServerEvent) -> tuple[str, str]:
    """An event as the level and the message of a line in a log."""
    match event:
        case PhaseProgress(phase, progress):
            level = "warning" if phase is Phase.RESTARTING else "info"
            return level, MEANINGS[phase] + (f": {progress.detail}" if progress else "")
        case ServerReady():
            return "info", next(iter(ready_lines(event))).plain
        case SettingsReloaded(applied, needs_restart):
            said = f"reloaded: {', '.join(applied) or 'nothing has changed'}"
            waiting = f"; needs a restart: {', '.join(needs_restart)}" if needs_restart else ""
            return "info", said + waiting
        case ReloadRefused(message):
            return "error", f"not reloaded: {message}"


def checklist(
    passed: Sequence[PassedPhase],
    phase: Phase,
    progress: Progress | None,
    *,
    elapsed_s: float,
    spinner: Spinner,
) -> RenderableType:
    """The phases so far: those passed with a tick, the current one with a spinner."""
    table = Table.grid(padding=(0, 1))
    for done in passed:
        table.add_row(Text("✓", style=MARK), MEANINGS[done.phase], Text(f"{done.took_s:.1f} s"))
    table.add_row(spinner, Text(MEANINGS[phase], style=NAME), Text(f"{elapsed_s:.1f} s"))
    if progress is None:
        return table
    detail = Table.grid(padding=(0, 1))
    row: list[RenderableType] = [Text("   " + progress.detail)]
    if progress.fraction is not None:
        row.append(ProgressBar(total=1.0, completed=progress.fraction, width=BAR_WIDTH))
    detail.add_row(*row)
    return Group(table, detail)


def ready_lines(event: ServerReady) -> Iterable[Text]:
    """What to know when the server is ready."""
    if event.restarts:
        again = Text.assemble(
            (f"Ready again after {event.elapsed_s:.1f} s", GOOD),
            f" (restart {event.restarts})",
        )
        yield again
        return
    yield Text.assemble(
        (f"Ready in {event.elapsed_s:.1f} s", GOOD),
        f": {event.model} at ",
        (event.url, NAME),
    )
    if event.kv_cache_tokens is not None:
        yield Text(_kv_cache(event))


def curl_line(event: ServerReady, *, needs_key: bool) -> str:
    """A request to try, as one line for a shell."""
    body = {
        "model": event.model,
        "messages": [{"role": "user", "content": "What is the capital of France?"}],
    }
    words = ["curl", f"{event.url}/v1/chat/completions", "-H", "Content-Type: application/json"]
    line = shlex.join(words)
    if needs_key:
        # In double quotes: the shell puts the key in.
        line += ' -H "Authorization: Bearer $MIXVLLM_SERVER__API_KEY"'
    return f"{line} -d {shlex.quote(json.dumps(body))}"


def open_server_words(host: str) -> tuple[str, str]:
    """What is wrong with a server that anybody in reach may use, and what to do."""
    return (
        f"Anyone who can reach {host} may use this server: no API key is set.",
        "Set MIXVLLM_SERVER__API_KEY, or listen on this machine only: --host 127.0.0.1",
    )


def open_server_warning(host: str) -> RenderableType:
    """The warning for such a server."""
    wrong, remedy = open_server_words(host)
    return Panel(
        Text.assemble((f"{wrong}\n", NAME), remedy),
        title="warning",
        border_style=WARNING,
        expand=False,
    )


def _kv_cache(event: ServerReady) -> str:
    text = f"KV cache: {event.kv_cache_tokens:,} tokens"
    if event.predicted_kv_cache_tokens is not None:
        text += f" (predicted {event.predicted_kv_cache_tokens:,})"
    if event.kv_cache_max_concurrency is not None and event.max_model_len is not None:
        text += (
            f", room for {event.kv_cache_max_concurrency:.2f} requests "
            f"of {event.max_model_len:,} tokens"
        )
    return text
