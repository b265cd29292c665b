"""The recorded conversations of this user: which there are, how one is begun, found and named."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from mixvllm.chat.history import History
from mixvllm.chat.session_file import Recorded, SessionFile, read_session
from mixvllm.directories import state_directory
from mixvllm.errors import ChatError, writing_to
from mixvllm.settings.names import nearest

SUFFIX = ".jsonl"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# The names of sessions that the user gave none, by the time when they began.
OWN_NAME = "%Y-%m-%dT%H-%M-%S"
DIRECTORY_MODE = 0o700


class SessionStore:
    """Sessions in a directory, one file each."""

    def __init__(self, directory: Path | None = None) -> None:
        """Use a directory, the one of the user's state where none is given."""
        self.directory = directory or state_directory() / "chat"

    def names(self) -> list[str]:
        """The sessions, the one used last first."""
        try:
            files = [(path.stat().st_mtime, path) for path in self.directory.glob(f"*{SUFFIX}")]
        except OSError:
            return []
        return [path.stem for _, path in sorted(files, reverse=True)]

    def newest(self) -> str:
        """The session used last.

        Raises:
            ChatError: there is none.
        """
        names = self.names()
        if not names:
            raise ChatError("There is no session to continue.", hint="Begin one: mixvllm chat")
        return names[0]

    def exists(self, name: str) -> bool:
        """Whether there is a session of this name."""
        return self._path(name).exists()

    def begin(self, model: str, name: str | None = None) -> SessionFile:
        """A file for a new conversation; an existing one of the name is gone on with.

        Raises:
            ChatError: the name cannot be one of a file.
            DirectoryError: the directory cannot be made.
        """
        path = self._path(name or self._own_name())
        with writing_to(self.directory, "XDG_STATE_HOME"):
            self.directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        return SessionFile(path, model)

    def load(self, name: str) -> Recorded:
        """A recorded conversation.

        Raises:
            ChatError: there is no session of this name, or it cannot be read.
        """
        path = self._path(name)
        try:
            return read_session(path)
        except FileNotFoundError as error:
            near = nearest(name, self.names())
            raise ChatError(
                f"There is no session {name}.", hint=f"Did you mean {near}?" if near else None
            ) from error
        except OSError as error:
            raise ChatError(f"{path} cannot be read: {error.strerror or error}.") from error

    def save(self, history: History, model: str, name: str) -> SessionFile:
        """Record a whole conversation under a name of its own.

        Raises:
            ChatError: the name is taken or cannot be one of a file, or nothing can be written.
            DirectoryError: the directory cannot be made.
        """
        if self.exists(name):
            raise ChatError(
                f"There is a session {name} already.", hint="Choose another name, or /load it."
            )
        file = self.begin(model, name)
        try:
            file.write_all(history)
        except OSError as error:
            raise ChatError(f"{file.path} cannot be written: {error.strerror or error}.") from error
        return file

    def _own_name(self) -> str:
        """The time, with a number where two begin in one second."""
        began = datetime.now(UTC).strftime(OWN_NAME)
        taken = set(self.names())
        numbered = (f"{began}-{number}" for number in range(2, len(taken) + 3))
        return next(name for name in (began, *numbered) if name not in taken)

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise ChatError(
                f"{name!r} cannot be the name of a session.",
                hint="Use up to 64 letters, digits, dots, dashes and underscores.",
            )
        return self.directory / f"{name}{SUFFIX}"
