"""From the command line of `mixvllm serve` to a server that runs, or to what would be served."""

from __future__ import annotations

import gc
import os
import shlex
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from mixvllm.cli.exit_status import ExitStatus
from mixvllm.cli.failures import fail, fail_unexpectedly
from mixvllm.cli.invocation import Invocation
from mixvllm.cli.output import Output, is_dumb
from mixvllm.cli.settings import resolve_quietly, resolve_settings, say_warnings
from mixvllm.cli.vllm_arguments import vllm_arguments
from mixvllm.directories import state_directory
from mixvllm.errors import EngineStartError, MixvllmError, UsageError, writing_to
from mixvllm.render.settings import settings_as_json
from mixvllm.render.settings_table import settings_table
from mixvllm.server.address import is_loopback
from mixvllm.server.children import leave, own_children_from_now_on
from mixvllm.server.logs import printed_as_json
from mixvllm.server.output_capture import capture_output, new_log_file
from mixvllm.server.own_files import OwnFiles, remove_leftovers
from mixvllm.settings.flags import GivenFlag
from mixvllm.settings.origin import Layer
from mixvllm.settings.resolve import require_model
from mixvllm.vllm_internals.environment import put_sockets_into

if TYPE_CHECKING:
    from mixvllm.cli.serve_view import ViewKind
    from mixvllm.server.preflight import Preflight
    from mixvllm.settings.resolve import Resolved
    from mixvllm.settings.schema import ServeConfig

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Asked:
    """What the command line says of the settings."""

    invocation: Invocation
    flags: list[GivenFlag]
    model: str | None
    config: Path | None
    profile: str | None

    def resolved(self) -> Resolved:
        """The settings of all layers; warnings about them are not said yet.

        Raises:
            SettingsError: with every problem of every layer.
        """
        return resolve_quietly(self.invocation, self.flags, self.config, self.profile, self.model)

    def reread(self, environment: Mapping[str, str]) -> ServeConfig:
        """The settings as they are now, with warnings said.

        Raises:
            SettingsError: with every problem of every layer.
        """
        fresh = resolve_settings(
            self.invocation, self.flags, self.config, self.profile, self.model, environment
        )
        require_model(fresh.settings)
        return fresh.settings


def begin(asked: Asked, *, dry_run: bool, as_json: bool, verbose: bool, checked: bool) -> int:
    """Serve until asked to end, or print what would be served.

    Args:
        asked: The settings.
        dry_run: Whether they are only printed.
        as_json: Whether that is JSON.
        verbose: Whether vLLM's log and every request are shown.
        checked: Whether model, settings and memory must go together.

    Raises:
        MixvllmError: it cannot even begin.
    """
    invocation, resolved = asked.invocation, asked.resolved()
    if resolved.settings.server.log_format == "json" and not (dry_run or as_json):
        invocation.output.log_json()
    say_warnings(invocation, resolved.warnings)
    require_model(resolved.settings)
    if dry_run:
        return show_plan(resolved, invocation)
    if as_json:
        raise UsageError("--json goes with --dry-run: a server has no one answer.")
    if resolved.value("server.api_key").origin.layer is Layer.COMMAND_LINE:
        invocation.output.warn(
            "every user of this machine can read --api-key in the list of processes; "
            "set MIXVLLM_SERVER__API_KEY instead"
        )
    # Mistakes in the settings are told before what checks the machine is loaded.
    from mixvllm.server.preflight import run_preflight

    flight = run_preflight(resolved.settings, resolved.values if checked else None)
    say_doubts(invocation, flight)
    # vLLM is told much by variables that mixvllm sets: those are nobody's settings.
    environment = dict(os.environ)
    return serve_settings(
        resolved.settings,
        flight,
        invocation.output,
        verbose=verbose,
        reread=lambda: asked.reread(environment),
    )


def say_doubts(invocation: Invocation, flight: Preflight) -> None:
    """Say what may fail, and what was not checked."""
    say_warnings(invocation, flight.doubts)
    for note in flight.notes:
        invocation.output.note(note)


def show_plan(resolved: Resolved, invocation: Invocation) -> int:
    """Print what would be served."""
    output = invocation.output
    arguments = vllm_arguments(invocation, resolved.settings)
    if output.as_json:
        shown = settings_as_json(resolved)["settings"]
        output.json({"settings": shown, "vllm_arguments": arguments})
    else:
        output.out.print(settings_table(resolved.values))
        output.text("\nvLLM arguments:\n" + shlex.join(arguments))
    return ExitStatus.DONE


def serve_settings(
    settings: ServeConfig,
    flight: Preflight,
    output: Output,
    *,
    verbose: bool,
    reread: Callable[[], ServeConfig],
) -> NoReturn:
    """Serve until asked to end, then leave the process: vLLM's threads cannot be stopped.

    Args:
        settings: The settings.
        flight: What the checks before it found.
        output: Where to speak.
        verbose: Whether vLLM's log and every request are shown.
        reread: Resolves the settings anew, for SIGHUP.

    Raises:
        MixvllmError: it cannot even begin.
    """
    gc.enable()
    # Until the server's own handlers are there: nothing is loaded that would need an orderly end.
    for number in ENDING_SIGNALS:
        signal.signal(number, lambda *_: leave(ExitStatus.DONE))
    signal.signal(signal.SIGHUP, lambda *_: None)  # nothing to reload yet
    key, host = settings.server.api_key, settings.server.host
    logs_json = settings.server.log_format == "json"
    from mixvllm.cli.serve_view import progress_view
    from mixvllm.render.progress import open_server_warning, open_server_words

    if key is None and not is_loopback(host):
        if logs_json:
            output.warn(" ".join(open_server_words(host)))
        else:
            output.say(open_server_warning(host))
    logs = state_directory() / "logs"
    with writing_to(logs, "XDG_STATE_HOME"):
        log = new_log_file(logs, now=datetime.now())
    own_children_from_now_on()
    say_removed(output, remove_leftovers())
    files = OwnFiles()
    put_sockets_into(os.environ, files.directory)
    echo = (printed_as_json if logs_json else str) if verbose else None
    with capture_output(log, echo=echo) as capture:
        terminal = output.on(capture.stdout, capture.stderr)
        from mixvllm.server.served_engine import ServedEngineBuilder

        builder = ServedEngineBuilder(settings, flight.engine, flight.sock, verbose)
        builder.warm_up()
        # fastapi and uvicorn take a while to import; mistakes have been told by now.
        from mixvllm.server.run import ServerRun, run_server
        from mixvllm.server.start_record import StartRecord

        record = StartRecord(settings, flight.engine)
        kind = choose_view(settings, verbose=verbose, dumb=is_dumb(capture.stderr))
        error: Exception | None
        try:
            with progress_view(terminal.err, needs_key=key is not None, kind=kind) as report:
                run = ServerRun(
                    settings,
                    flight.sock,
                    builder,
                    report,
                    capture,
                    access_log=verbose,
                    reread=reread,
                    record=record,
                    files=files,
                )
                error = run_server(run)
        except Exception as unexpected:
            error = unexpected
        for number in ENDING_SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # the end has come
        status = say_end(terminal, error)
    leave(status, clean_up=files.remove)


def say_removed(output: Output, removed: Sequence[Path]) -> None:
    """Say that something was cleaned up."""
    if removed:
        shown = ", ".join(map(str, removed[:3])) + (", ..." if len(removed) > 3 else "")
        output.note(f"removed what a killed server had left: {shown}")


def choose_view(settings: ServeConfig, *, verbose: bool, dumb: bool) -> ViewKind:
    """How progress is shown: a checklist needs a terminal to itself."""
    if settings.server.log_format == "json":
        return "json"
    return "lines" if verbose or dumb else "checklist"


def say_end(output: Output, error: Exception | None) -> int:
    """Say why the server ended, if nobody asked it to."""
    if error is None:
        return ExitStatus.DONE
    if not isinstance(error, MixvllmError):
        return fail_unexpectedly(output, error)
    if isinstance(error, EngineStartError) and error.log is not None:
        log = f"Everything that vLLM printed: {error.log}"
        error.hint = f"{error.hint}\n  {log}" if error.hint else log
    return fail(output, error)
