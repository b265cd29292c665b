"""The files that one server's engines leave outside its memory, and taking them away.

vLLM ends well with its sockets, its meeting file and its shared memory behind it when a process is
killed. Each server writes down which are its own, so that it, or the next one, can remove them.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

PREFIX = "mixvllm-"
LOCK, LIST = "lock", "files"
SHARED_MEMORY = Path("/dev/shm")
# Python's blocks and semaphores, and vLLM's; a store of Ray, say, is mapped too and not ours.
SHARED_NAMES = ("psm_", "sem.mp-", "vllm_dist_")
# vLLM says where the ranks of an engine meet: `distributed_init_method=file:///tmp/vllm_dist_...`.
MEETING_FILE = re.compile(r"distributed_init_method=file://(\S*/vllm_dist_\w+)")


class OwnFiles:
    """A directory for the sockets of one server, with a list of what else is its.

    Attributes:
        directory: Where it is.
    """

    def __init__(self) -> None:
        # In the system's own directory: the path of a socket has room for 107 characters.
        self.directory = Path(tempfile.mkdtemp(prefix=PREFIX))
        # Held as long as this process lives; whoever can take it knows that the server is dead.
        self._lock = os.open(self.directory / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._noted: set[Path] = set()

    def read(self, line: str) -> None:
        """Note the meeting file that a line of vLLM's output names."""
        if found := MEETING_FILE.search(line):
            self._note({Path(found[1])})

    def note_shared_memory(self) -> None:
        """Note the shared memory that this process and its children use."""
        here = psutil.Process()
        family = [here, *here.children(recursive=True)]
        used = {path for process in family for path in _shared_memory_of(process.pid)}
        self._note({path for path in used if path.name.startswith(SHARED_NAMES)})

    def remove_unused(self) -> None:
        """Remove what a dead engine used, save what this process has mapped as well."""
        kept = self._noted.intersection(_shared_memory_of(os.getpid()))
        for path in (*(self._noted - kept), self.directory / LIST):
            with suppress(OSError):
                path.unlink()
        self._noted.clear()
        self._note(kept)

    def remove(self) -> None:
        """Remove everything: this process ends."""
        for path in self._noted:
            with suppress(OSError):
                path.unlink()
        shutil.rmtree(self.directory, ignore_errors=True)
        with suppress(OSError):
            os.close(self._lock)

    def _note(self, paths: set[Path]) -> None:
        new = paths - self._noted
        if not new:
            return
        self._noted |= new
        with suppress(OSError), (self.directory / LIST).open("a", encoding="utf-8") as listed:
            listed.writelines(f"{path}\n" for path in sorted(new))


def remove_leftovers() -> list[Path]:
    """Remove what killed servers of this user left; what was removed.

    A file that a process still has open stays, and its server's list with it.
    """
    removed: list[Path] = []
    for directory in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            removed += _remove_if_dead(directory)
    return removed


def _remove_if_dead(directory: Path) -> list[Path]:
    """Remove the directory of a dead server and what its list names.

    Raises:
        OSError: it is none, it is another user's, or its server lives.
    """
    if directory.is_symlink() or directory.stat().st_uid != os.getuid():
        return []
    lock = os.open(directory / LOCK, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        listed = directory / LIST
        names = listed.read_text(encoding="utf-8").splitlines() if listed.exists() else []
        left = [path for path in map(Path, names) if path.exists()]
        if in_use(left):
            return []
        for path in left:
            path.unlink(missing_ok=True)
        shutil.rmtree(directory)
    finally:
        os.close(lock)
    return [*left, directory]


def in_use(paths: list[Path]) -> set[Path]:
    """Which of the files a process that this user may see has open or mapped."""
    if not paths:
        return set()
    used = {path for pid in psutil.pids() for path in _files_of(pid)}
    return used.intersection(paths)


def _files_of(pid: int) -> Iterator[Path]:
    yield from _shared_memory_of(pid)
    with suppress(OSError):
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                yield Path(os.readlink(entry.path))


def _shared_memory_of(pid: int) -> Iterator[Path]:
    """What it has mapped of the files that are there, found by their inodes.

    The kernel names a file as it was when it was mapped: a semaphore gets its own name later.
    """
    with suppress(OSError):
        present = {entry.inode(): Path(entry.path) for entry in os.scandir(SHARED_MEMORY)}
        for line in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines():
            *_, inode, path = [*line.split(maxsplit=5), ""][:6]
            if path.startswith(f"{SHARED_MEMORY}/") and (file := present.get(int(inode))):
                yield file
