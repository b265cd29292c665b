"""The lines that this process logs: for people, or one JSON document each for collectors."""

from __future__ import annotations

import json
import logging
import sys
import textwrap
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal

from mixvllm.vllm_internals.output_lines import parse

ExceptionInfo = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)
LogFormat = Literal["text", "json"]
ACCESS_LOG = "mixvllm.access"
SERVER_ERROR_LOG = "uvicorn.error"
BEGINNING = '{"time": '


def set_up_logs(log_format: LogFormat, *, verbose: bool) -> None:
    """Have what this process logs written to stderr.

    Args:
        log_format: How.
        verbose: Whether every request is logged; else warnings and errors alone.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers = [handler]
    for name in (ACCESS_LOG, SERVER_ERROR_LOG):
        logging.getLogger(name).setLevel(logging.INFO if verbose else logging.WARNING)


def json_line(level: str, source: str, message: str, **more: Any) -> str:
    """A log line as a JSON document, without the end of the line.

    Args:
        level: `debug`, `info`, `warning`, `error` or `critical`.
        source: Who speaks.
        message: What it says.
        **more: What else is known; None is left out.
    """
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    known = {key: value for key, value in more.items() if value is not None}
    line = {"time": now, "level": level, "source": source, "message": message, **known}
    return json.dumps(line, default=str)


def printed_as_json(text: str) -> str:
    """A line that was printed by this process or a child of it; ours are documents already."""
    if is_document(text):
        return text
    line = parse(text)
    if line.process is None:
        return json_line("info", "output", text)
    return json_line((line.level or "info").lower(), "vllm", line.message, process=line.process)


def is_document(text: str) -> bool:
    """Whether a line was made by `json_line`; half of one is none."""
    if not text.startswith(BEGINNING):
        return False
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


class JsonFormatter(logging.Formatter):
    """Makes a document of a record; tracebacks are a part of it."""

    def format(self, record: logging.LogRecord) -> str:
        """The document."""
        data: Mapping[str, Any] = getattr(record, "data", {})
        return json_line(
            record.levelname.lower(),
            record.name,
            record.getMessage(),
            request_id=getattr(record, "request_id", None),
            exception=self.formatException(record.exc_info) if record.exc_info else None,
            **data,
        )


class TextFormatter(logging.Formatter):
    """`2026-11-22 18:05:07 INFO mixvllm.access: ... [id]`; tracebacks follow, indented.

    One at the margin would be read as the engine's, and taken for the cause of its death.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802, RUF100
        """The first line."""
        request_id = getattr(record, "request_id", None)
        return super().formatMessage(record) + (f" [{request_id}]" if request_id else "")

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802, RUF100
        """The traceback."""
        return textwrap.indent(super().formatException(ei), "    ")
