"""The true cause of a failed start, found in what vLLM printed and raised.

`AsyncLLM` raises only "Engine core initialization failed. See root cause above"; the cause is the
last line of the first traceback that EngineCore or a worker logged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from mixvllm.vllm_internals.late_errors import LateError, recognised
from mixvllm.vllm_internals.output_lines import LogLine

# The class of an exception and what it said: `ValueError: To serve at least ...`; an assertion
# often says nothing.
EXCEPTION = re.compile(
    r"^(?P<type>(?:[A-Za-z_]\w*\.)*(?:[A-Z]\w*(?=: )|AssertionError$))(?:: (?P<text>.+))?$"
)
SPEAKS_FOR_ITSELF = ("ValueError", "RuntimeError", "Exception", "VLLMValidationError")
NOT_THE_CAUSE = (
    "Engine core initialization failed",
    "WorkerProc initialization failed",
    "EngineCore encountered an issue",
    # What waits for a worker is told so when the worker has died.
    "cancelled",
)
PYDANTIC_TAIL = re.compile(r" \[type=\w+, input_value=.*$")
DEATH = re.compile(r"died unexpectedly \(exit code")
# Two lines on most terminals; the log has the rest.
LONGEST = 300


@dataclass(frozen=True)
class Cause:
    """Why vLLM failed.

    Attributes:
        text: In its words, shortened.
        known: What it is, where one of vLLM's templates fits the whole text.
    """

    text: str
    known: LateError | None = None


@dataclass
class FailureCause:
    """Reads the log line by line and keeps the first cause of a failure.

    What a process logged as an error counts before what was merely printed: a traceback alone on
    the terminal may be one that vLLM has handled.
    """

    _logged: Cause | None = None
    _printed: Cause | None = None
    _death: Cause | None = None
    _in_traceback: set[str | None] = field(default_factory=set)

    @property
    def cause(self) -> Cause | None:
        """The cause, or None."""
        return self._logged or self._printed or self._death

    @property
    def is_in_traceback(self) -> bool:
        """Whether a traceback has begun whose last line has not come yet."""
        return bool(self._in_traceback)

    def read(self, line: LogLine) -> None:
        """Take one line into account."""
        if line.process and line.level not in ("ERROR", "CRITICAL"):
            return
        if DEATH.search(line.message):
            self._death = self._death or Cause(line.message)
        elif line.message.startswith("Traceback (most recent call last)"):
            self._in_traceback.add(line.process)
        elif line.process in self._in_traceback and (match := EXCEPTION.match(line.message)):
            self._in_traceback.discard(line.process)
            said = match["text"] or ""
            if not said.startswith(NOT_THE_CAUSE):
                self._keep(line, caused(match["type"], said))

    def _keep(self, line: LogLine, cause: Cause) -> None:
        if line.process:
            self._logged = self._logged or cause
        else:
            self._printed = self._printed or cause


def caused(type_name: str, text: str) -> Cause:
    """What an exception says, and what it is."""
    return Cause(worded(type_name, text), recognised(f"{type_name}: {text}"))


def worded(type_name: str, text: str) -> str:
    """An exception in words: its class only where the text alone would say too little."""
    short = type_name.rpartition(".")[2]
    said = _shortened(PYDANTIC_TAIL.sub("", text).strip())
    if not said:
        return f"{short}, without a word of why"
    return said if short in SPEAKS_FOR_ITSELF else f"{short}: {said}"


def _shortened(text: str) -> str:
    """The first sentences of a text, as many as are short enough; at least a part of one."""
    if len(text) <= LONGEST:
        return text
    end = text.rfind(". ", 0, LONGEST)
    return text[: end + 1] if end > 0 else f"{text[:LONGEST]} ..."


def cause_of_exception(error: BaseException) -> Cause | None:
    """The cause that an exception raised in this process tells, or None if it tells none."""
    text = str(error).strip()
    if text.startswith(NOT_THE_CAUSE):
        return None
    known = recognised(f"{type(error).__name__}: {text}")
    value_errors = re.findall(r"^ +Value error, (.+)$", text, flags=re.MULTILINE)
    if value_errors:
        return Cause("; ".join(worded("ValueError", said) for said in value_errors), known)
    first = text.splitlines()[0] if text else "no message"
    return Cause(worded(type(error).__name__, first), known)
