"""A start-up log out of a file: held against our estimate, and kept as a measurement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from mixvllm.errors import EstimateError, LogError
from mixvllm.sizing.learning import learn
from mixvllm.sizing.logged import Beside, LogReport, report
from mixvllm.sizing.request import NOT_MODELLED, ONLY_MEASURED
from mixvllm.vllm_internals.log_lines import read_lines
from mixvllm.vllm_internals.startup_log import read_log


@contextmanager
def opened_log(file: str | Path) -> Iterator[BinaryIO]:
    """The file with a log.

    Raises:
        LogError: it cannot be read.
    """
    try:
        with Path(file).expanduser().open("rb") as stream:
            yield stream
    except OSError as error:
        raise LogError(f"{file} cannot be read: {error.strerror}.") from error


def report_on(stream: BinaryIO, name: str, beside: Beside) -> LogReport:
    """Hold a log against our estimate.

    Args:
        stream: The log.
        name: How the user calls it.
        beside: What is said beside it.

    Raises:
        LogError: it is no start-up log of vLLM.
        UsageError: an option beside it is no GPU or version.
    """
    read = read_log(read_lines(stream, name))
    if not read.log.says_something:
        raise LogError(
            f"{name} has no line of vLLM's start-up.",
            hint="Its log goes to stderr and stdout: vllm serve ... &> FILE, docker logs NAME &> "
            "FILE, kubectl logs POD > FILE.",
        )
    return report(read.log, read.starts, beside)


def keep_measured(made: LogReport) -> Path:
    """Keep what a log measured.

    Raises:
        EstimateError: nothing of use was measured.
    """
    if made.found is None or made.request is None:
        raise EstimateError(f"Nothing is kept: {made.reason}")
    _check_arguments(made)
    today = datetime.now(UTC).date()
    try:
        return learn(made.found, made.revision, made.request, made.log, day=today)
    except EstimateError as error:
        raise EstimateError(f"Nothing is kept: {error.message}", hint=error.hint) from error


def _check_arguments(made: LogReport) -> None:
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
