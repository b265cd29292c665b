"""The whole error tree: what can go wrong, as types that carry data.

    MixvllmError                    message, hint, problems
    ├── UsageError                  the command line itself is wrong
    ├── SettingsError               the settings are invalid; every problem found, at once
    ├── PreflightError              what is asked for is certain to fail, by the numbers
    ├── ModelError                  the model cannot be found, fetched or prepared
    ├── EstimateError               a kind, dtype or combination whose memory is not known
    ├── LogError                    a file is no start-up log of vLLM, or cannot be read
    ├── AddressError                the server's address cannot be bound
    ├── DirectoryError              a directory of ours cannot be made or written
    ├── ChatError                   a conversation cannot be begun or gone on with
    │   └── ModelChoiceError        the server has several models, or not the one asked for
    ├── InstallationError           vLLM is missing or outside the supported range
    ├── EngineStartError            vLLM could not load the model
    └── EngineDiedError             the engine died after it had been ready

Errors are raised with data and worded once, at the edge (`mixvllm.cli`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from mixvllm.error_codes import ErrorCode

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in one place.

    Attributes:
        file: The file as the user named it, or None for environment and flags.
        line: 1-based line, or None where there is none.
        column: 1-based column, or None where there is none.
        key: The key as it was written (`inference.gpus`, `MIXVLLM_SERVER__PORT`, `--port`).
        message: What is wrong, with the allowed range.
        severity: `error` stops; `warning` stops only under `--strict`; `note` never does.
        suggestion: What to write instead, or None.
        source: Where it stands when that is not a file: `environment` or `command line`.
        source_line: The text of the line, for the caret; None outside files.
        code: Its stable name; the manual has a section for each.
    """

    message: str
    key: str | None = None
    file: str | None = None
    line: int | None = None
    column: int | None = None
    severity: Severity = "error"
    suggestion: str | None = None
    source: Literal["file", "environment", "command line"] = "file"
    source_line: str | None = None
    code: ErrorCode = "settings-invalid"

    @property
    def place(self) -> str:
        """Where it is: `phi3.yaml:12:9`, `environment`, `command line`."""
        if self.source != "file" or self.file is None:
            return self.source
        parts = (self.file, self.line, self.column)
        return ":".join(str(part) for part in parts if part is not None)

    @property
    def advice(self) -> str | None:
        """The suggestion in words: a name becomes a question, a sentence stays one."""
        if self.suggestion is None:
            return None
        return self.suggestion if " " in self.suggestion else f"did you mean {self.suggestion}?"

    def __str__(self) -> str:
        """The problem on one line."""
        advice = f" ({self.advice})" if self.advice else ""
        return ": ".join(filter(None, (self.place, self.key, f"{self.message}{advice}")))


class MixvllmError(Exception):
    """Anything that mixvllm tells its user in words instead of a traceback.

    `code` is its stable name, the kind's own where a raise names none; None where the message says
    all that there is to know.
    """

    code: ErrorCode | None = None

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        problems: Sequence[Problem] = (),
        code: ErrorCode | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code or type(self).code
        self.message = message
        self.hint = hint
        self.problems = tuple(problems)
        # A Python program that lets it pass shows them below the traceback.
        for remark in (*self.problems, *([hint] if hint else ())):
            self.add_note(str(remark))

    @property
    def explained_by(self) -> ErrorCode | None:
        """The code to read on by: that of the first problem that stops, else its own."""
        wrong = (problem.code for problem in self.problems if problem.severity == "error")
        return next(wrong, self.code)


class UsageError(MixvllmError):
    """The command line itself is wrong."""


class SettingsError(MixvllmError):
    """The settings are invalid; `problems` lists everything found, in all layers."""

    code = "settings-invalid"


class PreflightError(MixvllmError):
    """What is asked for is certain to fail; `problems` lists why, with the ways out."""

    code = "settings-invalid"


class ModelError(MixvllmError):
    """The model cannot be found, fetched or prepared."""

    code = "model-unreadable"


class EstimateError(MixvllmError):
    """The memory rules do not cover this; the message names what, instead of a wrong number."""

    code = "not-estimated"


class LogError(MixvllmError):
    """A file is no start-up log of vLLM, or cannot be read."""

    code = "not-a-log"


class AddressError(MixvllmError):
    """The server's address cannot be bound."""

    code = "address"


class DirectoryError(MixvllmError):
    """A directory of ours cannot be made or written."""

    code = "directory-not-writable"


class ChatError(MixvllmError):
    """A conversation cannot be begun, or what the user asked of it cannot be done."""


class ModelChoiceError(ChatError):
    """The server has several models, or not the one asked for; `names` are those it has."""

    code = "model-choice"

    def __init__(self, message: str, *, hint: str | None = None, names: Sequence[str] = ()) -> None:
        super().__init__(message, hint=hint)
        self.names = tuple(names)


class InstallationError(MixvllmError):
    """Something that must be installed is missing or of an unsupported version."""

    code = "vllm-missing"


class EngineStartError(MixvllmError):
    """vLLM could not load the model; `log` has everything that it printed."""

    code: ErrorCode | None = "engine-start"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        log: Path | None = None,
        code: ErrorCode | None = None,
    ) -> None:
        super().__init__(message, hint=hint, code=code)
        self.log = log


class EngineDiedError(EngineStartError):
    """The engine died after it had been ready."""

    code = "engine-died"


def without_number(reason: str) -> str:
    """What the system said, without its number: `[Errno -2] Name or service not known`."""
    return re.sub(r"^\[Errno -?\d+\] ", "", reason)


@contextmanager
def writing_to(directory: Path, variable: str) -> Iterator[None]:
    """Word what the system says against writing to a directory of ours.

    Args:
        directory: The directory that is made or written to.
        variable: The environment variable that chooses another one.

    Raises:
        DirectoryError: it cannot be made or written.
    """
    try:
        yield
    except OSError as error:
        raise DirectoryError(
            f"Cannot write to {directory}: {error.strerror or error}.",
            hint=f"Set {variable} to a directory of yours that can be written.",
        ) from error
