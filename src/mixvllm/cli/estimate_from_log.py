"""`estimate-kv --from-log`: what vLLM printed when it started, beside what we predict."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from mixvllm.cli.estimate_asked import Asked
from mixvllm.cli.exit_status import ExitStatus
from mixvllm.errors import EstimateError, LogError, UsageError
from mixvllm.render.log_report import log_as_json, log_view
from mixvllm.settings.origin import Layer
from mixvllm.sizing.learning import learn
from mixvllm.sizing.logged import Beside, LogReport, report
from mixvllm.sizing.request import NOT_MODELLED, ONLY_MEASURED
from mixvllm.vllm_internals.log_lines import read_lines
from mixvllm.vllm_internals.startup_log import read_log


def report_log(asked: Asked, file: str | None, *, save: bool) -> int:
    """Compare a log with our estimate, and keep what it measured if asked to.

    Raises:
        LogError: it is no start-up log of vLLM.
        EstimateError: it is to be kept, and measured nothing of use.
        UsageError: there is none.
    """
    if file is None:
        raise UsageError("--save goes with --from-log.")
    output, resolved = asked.invocation.output, asked.resolved
    given = {value.key for value in resolved.values if value.origin.layer is not Layer.DEFAULT}
    with opened(file) as stream:
        read = read_log(read_lines(stream, shown_name(file)))
    if not read.log.says_something:
        raise LogError(
            f"{shown_name(file)} has no line of vLLM's start-up.",
            hint="Its log goes to stderr and stdout: vllm serve ... &> FILE, docker logs NAME &> "
            "FILE, kubectl logs POD > FILE.",
        )
    made = report(read.log, read.starts, Beside(resolved.settings, given, asked.choices()))
    kept = save_report(made) if save else None
    document = log_as_json(made) | {"saved": kept and str(kept)}
    output.answer(log_view(made), document)
    if kept is not None:
        output.note(f"Kept for later estimates: {kept}")
    return ExitStatus.DONE


def save_report(made: LogReport) -> Path:
    """Keep what a log measured.

    Raises:
        EstimateError: nothing of use was measured.
    """
    if made.found is None or made.request is None:
        raise EstimateError(f"Nothing is kept: {made.reason}")
    check_arguments(made)
    today = datetime.now(UTC).date()
    try:
        return learn(made.found, made.revision, made.request, made.log, day=today)
    except EstimateError as error:
        raise EstimateError(f"Nothing is kept: {error.message}", hint=error.hint) from error


def check_arguments(made: LogReport) -> None:
    """Check that the log tells what its figures hold for.

    Raises:
        EstimateError: arguments that move the memory are not known.
    """
    arguments = made.log.arguments
    if arguments is None or arguments.is_cut:
        raise EstimateError(
            "Nothing is kept: the log does not show all arguments, so it is not known what its "
            "figures hold for.",
            hint="The whole log has a line with `non-default args`.",
        )
    if lost := sorted({*arguments.unread} & {*ONLY_MEASURED, *NOT_MODELLED}):
        raise EstimateError(
            f"Nothing is kept: {', '.join(lost)} could not be read, and moves the memory."
        )


def shown_name(file: str) -> str:
    """How a log is called in messages."""
    return "stdin" if file == "-" else file


@contextmanager
def opened(file: str) -> Iterator[BinaryIO]:
    """The log, or stdin for `-`.

    Raises:
        UsageError: stdin is a terminal.
        LogError: the file cannot be read.
    """
    if file == "-":
        if sys.stdin.isatty():
            raise UsageError("--from-log - reads a pipe: docker logs NAME 2>&1 | mixvllm ...")
        yield sys.stdin.buffer
        return
    try:
        with Path(file).expanduser().open("rb") as stream:
            yield stream
    except OSError as error:
        raise LogError(f"{file} cannot be read: {error.strerror}.") from error
