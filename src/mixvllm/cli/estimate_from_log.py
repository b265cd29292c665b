"""`estimate-kv --from-log`: what vLLM printed when it started, beside what we predict."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from mixvllm.cli.estimate_asked import Asked
from mixvllm.cli.exit_status import ExitStatus
from mixvllm.errors import UsageError
from mixvllm.render.log_report import log_as_json, log_view
from mixvllm.settings.direct import given_keys
from mixvllm.sizing.log_file import keep_measured, opened_log, report_on
from mixvllm.sizing.logged import Beside


def report_log(asked: Asked, file: str | None, *, save: bool) -> int:
    """Compare a log with our estimate, and keep what it measured if asked to.

    Raises:
        LogError: it is no start-up log of vLLM.
        EstimateError: it is to be kept, and measured nothing of use.
        UsageError: there is none.
    """
    if file is None:
        raise UsageError("--save goes with --from-log.")
    output, settings = asked.invocation.output, asked.settings
    with opened(file) as stream:
        beside = Beside(settings, given_keys(settings), asked.choices())
        made = report_on(stream, shown_name(file), beside)
    kept = keep_measured(made) if save else None
    document = log_as_json(made) | {"saved": kept and str(kept)}
    output.answer(log_view(made), document)
    if kept is not None:
        output.note(f"Kept for later estimates: {kept}")
    return ExitStatus.DONE


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
    with opened_log(file) as stream:
        yield stream
