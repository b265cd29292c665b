"""`mixvllm serve`: a model behind an OpenAI-compatible server."""

from __future__ import annotations

import gc
import os
import shlex
import signal
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from mixvllm.cli.exit_status import ExitStatus
from mixvllm.cli.failures import fail, fail_unexpectedly
from mixvllm.cli.invocation import Invocation
from mixvllm.cli.json_option import JsonOption
from mixvllm.cli.options import (
    ConfigOption,
    ModelArgument,
    ProfileOption,
    with_setting_flags,
)
from mixvllm.cli.output import Output, is_dumb
from mixvllm.cli.settings import resolve_quietly, resolve_settings, say_warnings
from mixvllm.cli.vllm_arguments import vllm_arguments
from mixvllm.directories import state_directory
from mixvllm.errors import EngineStartError, MixvllmError, UsageError, writing_to
from mixvllm.render.settings import settings_as_json, settings_table
from mixvllm.server.address import is_loopback
from mixvllm.server.children import leave, own_children_from_now_on
from mixvllm.server.logs import printed_as_json
from mixvllm.server.output_capture import capture_output, new_log_file
from mixvllm.server.own_files import OwnFiles, remove_leftovers
from mixvllm.settings.flags import GivenFlag
from mixvllm.settings.origin import Layer
from mixvllm.vllm_internals.environment import put_sockets_into

if TYPE_CHECKING:
    from mixvllm.cli.serve_view import ViewKind
    from mixvllm.server.preflight import Preflight
    from mixvllm.settings.resolve import Resolved
    from mixvllm.settings.schema import ServeConfig

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM)

app = typer.Typer(rich_markup_mode="rich", add_completion=False)


@app.command(epilog="Example: [bold]mixvllm serve demo --host 127.0.0.1 --temperature 0.3[/]")
@with_setting_flags
def serve(
    ctx: typer.Context,
    flags: list[GivenFlag],
    model: ModelArgument = None,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print the settings and the vLLM arguments, and end."),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show vLLM's own log and every request.")
    ] = False,
    no_preflight: Annotated[
        bool,
        typer.Option(
            "--no-preflight",
            help="Start vLLM even where model, settings and memory do not go together.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Serve a model: vLLM's engine behind FastAPI, OpenAI-compatible.

    It answers /health, /live and /status from the first second. What follows `--` goes to vLLM.
    """
    # Reading settings takes longer to import than `--help` takes in all.
    from mixvllm.settings.resolve import require_model

    invocation: Invocation = ctx.obj
    resolved = resolve_quietly(invocation, flags, config, profile, model)
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
    # `--help` and a Tab do without what checks and what draws.
    from mixvllm.server.preflight import run_preflight

    flight = run_preflight(resolved.settings, None if no_preflight else resolved.values)
    say_doubts(invocation, flight)
    # vLLM is told much by variables that mixvllm sets: those are nobody's settings.
    environment = dict(os.environ)

    def reread() -> ServeConfig:
        fresh = resolve_settings(invocation, flags, config, profile, model, environment)
        require_model(fresh.settings)
        return fresh.settings

    return serve_settings(
        resolved.settings, flight, invocation.output, verbose=verbose, reread=reread
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
