"""One recorded conversation: a line of JSON for each change, added as it happens."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from mixvllm.chat.history import Entry, History

VERSION = 1
# The key of the first line; its value is the version of the format.
HEAD = "mixvllm_chat"
# Conversations are nobody else's business.
FILE_MODE = 0o600


@dataclass
class SessionFile:
    """A file that a conversation is recorded in; it is made with the first change.

    Attributes:
        path: Where it is.
        model: The model that is talked to, for the first line.
        problem: Why the last change could not be written, or None.
    """

    path: Path
    model: str
    problem: str | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        """What the session is called."""
        return self.path.stem

    def append(self, entry: Entry) -> None:
        """Add a change. One that cannot be written does not end the conversation: see `problem`."""
        try:
            self._write([entry])
            self.problem = None
        except OSError as error:
            self.problem = f"{self.path} cannot be written: {error.strerror or error}"

    def write_all(self, history: History) -> None:
        """Record a whole conversation.

        Raises:
            OSError: it cannot be written.
        """
        self._write(entries_of(history))

    def _write(self, entries: Iterable[Entry]) -> None:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        with os.fdopen(os.open(self.path, flags, FILE_MODE), "ab") as file:
            size = os.fstat(file.fileno()).st_size
            lines = [] if size else [_line(self._head())]
            lines += [_line(entry) for entry in entries]
            # A crash may have left half a line: it stays, on a line of its own.
            is_torn = size > 0 and os.pread(file.fileno(), 1, size - 1) != b"\n"
            file.write((b"\n" if is_torn else b"") + b"".join(lines))
            file.flush()
            os.fsync(file.fileno())

    def _head(self) -> Entry:
        began = datetime.now(UTC).isoformat(timespec="seconds")
        return {HEAD: VERSION, "began": began, "model": self.model}


@dataclass(frozen=True)
class Recorded:
    """What a session file holds.

    Attributes:
        history: The conversation, as far as it can be read.
        model: The model that it was begun with, or None.
        problems: What cannot be read, each with its line; those lines stay in the file.
    """

    history: History
    model: str | None
    problems: tuple[str, ...]


def read_session(path: Path) -> Recorded:
    """Read a recorded conversation; lines that are broken are passed over, and told.

    Raises:
        OSError: the file cannot be read.
    """
    history, model, problems = History(), None, []
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            if isinstance(entry, dict) and HEAD in entry:
                model = str(entry.get("model") or "") or None
            else:
                history.replay(entry)
        except ValueError as error:
            reason = "it is not JSON" if isinstance(error, json.JSONDecodeError) else str(error)
            problems.append(f"{path}:{number}: left out, since {reason}")
    return Recorded(history, model, tuple(problems))


def entries_of(history: History) -> list[Entry]:
    """The changes that make a conversation anew."""
    system: list[Entry] = [{"system": history.system}] if history.system else []
    messages = [message for turn in history.turns for message in turn.messages]
    return [*system, *({"message": message} for message in messages)]


def _line(entry: Entry) -> bytes:
    return json.dumps(entry, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
