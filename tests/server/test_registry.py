import json
import os
import stat
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from mixvllm.errors import DirectoryError
from mixvllm.server.ending import end_server
from mixvllm.server.lifecycle import Phase
from mixvllm.server.registry import RegistryEntry, RunningServer, process_start, running_servers


def server_of(pid: int, port: int = 8000) -> RunningServer:
    return RunningServer(
        pid=pid,
        process_started_at=process_start(pid),
        host="127.0.0.1",
        port=port,
        url=f"http://127.0.0.1:{port}",
        model="small",
        phase="starting",
        started_at=time.time(),
    )


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "servers"


def test_a_running_server_is_listed_with_its_newest_phase(directory: Path) -> None:
    entry = RegistryEntry(server_of(os.getpid()), directory)
    entry.phase(Phase.READY)

    assert running_servers(directory) == [replace(entry.server, phase="ready")]


def test_a_server_that_has_ended_is_not_listed(directory: Path) -> None:
    RegistryEntry(server_of(os.getpid()), directory).remove()

    assert running_servers(directory) == []


def test_an_entry_of_a_dead_process_is_removed(directory: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    entry = RegistryEntry(server_of(process.pid), directory)
    process.kill()
    process.communicate()

    assert running_servers(directory) == []
    assert not entry.path.exists()


def test_an_entry_whose_pid_now_belongs_to_another_process_is_removed(directory: Path) -> None:
    server = server_of(os.getpid())
    RegistryEntry(replace(server, process_started_at=server.process_started_at - 60), directory)

    assert running_servers(directory) == []


def entry_text(server: RunningServer, **changed: object) -> str:
    return json.dumps(asdict(server) | changed)


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]", "3", '{"pid": 1}'),
        *(entry_text(server_of(os.getpid()), pid=pid) for pid in ("x", -1, 0, 10**30)),
        entry_text(server_of(os.getpid()), port="8000"),
    ],
)
def test_a_file_that_is_no_entry_is_removed(directory: Path, content: str) -> None:
    directory.mkdir()
    (directory / "1-8000.json").write_text(content)

    assert running_servers(directory) == []
    assert list(directory.iterdir()) == []


def test_an_entry_of_a_newer_version_counts(directory: Path) -> None:
    server = server_of(os.getpid())
    directory.mkdir()
    (directory / "1-8000.json").write_text(entry_text(server, owner="me"))

    assert running_servers(directory) == [server]


def test_what_cannot_be_removed_is_passed_over(directory: Path) -> None:
    (directory / "1-8000.json").mkdir(parents=True)

    assert running_servers(directory) == []


def test_servers_are_listed_by_port(directory: Path) -> None:
    for port in (9000, 8000):
        RegistryEntry(server_of(os.getpid(), port), directory)

    assert [server.port for server in running_servers(directory)] == [8000, 9000]


def test_the_directory_belongs_to_this_user_alone(directory: Path) -> None:
    RegistryEntry(server_of(os.getpid()), directory)

    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_ending_a_server_waits_until_it_is_gone() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)

    assert end_server(server_of(process.pid))
    process.communicate()
    assert process.poll() is not None


def test_looking_for_servers_makes_no_directory(directory: Path) -> None:
    assert running_servers(directory) == []
    assert not directory.exists()


def test_a_directory_that_cannot_be_made_is_named_with_the_variable_that_moves_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(DirectoryError) as raised:
        RegistryEntry(server_of(os.getpid()), tmp_path / "file" / "mixvllm")

    assert raised.value.message.startswith(f"Cannot write to {tmp_path / 'file' / 'mixvllm'}: ")
    assert "Set XDG_RUNTIME_DIR" in (raised.value.hint or "")
