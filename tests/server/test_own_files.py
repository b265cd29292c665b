"""What killed servers leave: real shared memory, real files, real processes."""

import mmap
import signal
import subprocess
import sys
import tempfile
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import pytest

from mixvllm.server.own_files import LOCK, OwnFiles, in_use, remove_leftovers

# A server that notes its files and then waits to be killed, as its child does that uses them.
SERVER = """
import subprocess, sys, time
from multiprocessing.resource_tracker import unregister
from multiprocessing.shared_memory import SharedMemory
from mixvllm.server.own_files import OwnFiles
files = OwnFiles()
files.read(f"world_size=1 distributed_init_method=file://{sys.argv[1]} backend=gloo")
memory = SharedMemory(create=True, size=64)
unregister(memory._name, "shared_memory")
files.note_shared_memory()
print(files.directory, f"/dev/shm/{memory.name}", flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system's directory of temporary files for this test alone."""
    directory = tmp_path / "tmp"
    directory.mkdir()
    monkeypatch.setenv("TMPDIR", str(directory))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return directory


def start_server(meeting: Path) -> tuple[subprocess.Popen[str], Path, Path]:
    """A server, its directory and its shared memory."""
    meeting.touch()
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(meeting)], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    directory, memory = server.stdout.readline().split()
    return server, Path(directory), Path(memory)


def kill(server: subprocess.Popen[str]) -> None:
    server.send_signal(signal.SIGKILL)
    server.communicate()


def test_what_a_killed_server_left_is_removed(temporary: Path) -> None:
    meeting = temporary / "vllm_dist_1"
    server, directory, memory = start_server(meeting)
    kill(server)
    assert memory.exists()

    assert set(remove_leftovers()) == {directory, memory, meeting}
    assert not any(path.exists() for path in (directory, memory, meeting))


def test_the_files_of_a_living_server_stay(temporary: Path) -> None:
    meeting = temporary / "vllm_dist_1"
    server, directory, memory = start_server(meeting)
    try:
        assert remove_leftovers() == []
        assert all(path.exists() for path in (directory, memory, meeting))
    finally:
        kill(server)
        remove_leftovers()


def test_shared_memory_that_a_process_still_uses_stays_until_it_does_not(temporary: Path) -> None:
    server, directory, path = start_server(temporary / "vllm_dist_1")
    memory = SharedMemory(path.name)
    kill(server)

    assert in_use([path]) == {path}
    assert remove_leftovers() == []
    assert path.exists()

    memory.close()
    assert directory in remove_leftovers()


def test_a_directory_of_something_else_stays(temporary: Path) -> None:
    for name in ("mixvllm-metrics", "mixvllm-other"):
        (temporary / name).mkdir()
    (temporary / "mixvllm-file").touch()

    assert remove_leftovers() == []
    assert len(list(temporary.iterdir())) == 3


def test_a_server_that_ends_removes_its_own(temporary: Path) -> None:
    meeting = temporary / "vllm_dist_1"
    meeting.touch()
    files = OwnFiles()
    files.read(f"... distributed_init_method=file://{meeting} backend=gloo")
    assert (files.directory / LOCK).exists()

    files.remove()

    assert list(temporary.iterdir()) == []


def test_between_two_engines_what_the_server_itself_uses_stays(temporary: Path) -> None:
    meeting = temporary / "vllm_dist_1"
    meeting.touch()
    memory, files = SharedMemory(create=True, size=64), OwnFiles()
    try:
        files.read(f"... distributed_init_method=file://{meeting} backend=gloo")
        files.note_shared_memory()

        files.remove_unused()

        assert not meeting.exists()
        assert f"/dev/shm/{memory.name}\n" in (files.directory / "files").read_text()
    finally:
        memory.close()
        memory.unlink()
        files.remove()


def test_shared_memory_of_other_programs_is_not_noted() -> None:
    ours, others = SharedMemory(create=True, size=64), Path("/dev/shm/plasma-test")
    others.write_bytes(b"x" * 64)
    files = OwnFiles()
    try:
        with others.open("r+b") as file, mmap.mmap(file.fileno(), 0):
            files.note_shared_memory()
        noted = (files.directory / "files").read_text().splitlines()
        assert f"/dev/shm/{ours.name}" in noted
        assert str(others) not in noted
    finally:
        others.unlink()
        ours.close()
        ours.unlink()
        files.remove()


# An engine that makes a semaphore and waits to be killed, too suddenly for Python's own cleaner.
ENGINE = """
import multiprocessing, time
from multiprocessing.resource_tracker import unregister
lock = multiprocessing.get_context("spawn").Lock()
unregister(lock._semlock.name, "semaphore")
print(f"/dev/shm/sem.{lock._semlock.name[1:]}", flush=True)
time.sleep(60)
"""


def test_a_semaphore_of_a_killed_engine_is_removed_before_the_next() -> None:
    files = OwnFiles()
    engine = subprocess.Popen([sys.executable, "-c", ENGINE], stdout=subprocess.PIPE, text=True)
    assert engine.stdout is not None
    semaphore = Path(engine.stdout.readline().strip())
    assert semaphore.exists()

    files.note_shared_memory()
    kill(engine)
    files.remove_unused()

    assert not semaphore.exists()
    files.remove()
