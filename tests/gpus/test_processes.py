from __future__ import annotations

import getpass
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mixvllm.gpus.device import Gpu, GpuProcess
from mixvllm.gpus.processes import described, with_processes_named
from tests.gpus.engines import ENGINE, server

WAIT = "import sys; print('up', flush=True); sys.stdin.read()"


def described_while_running(argv: list[str], directory: Path) -> GpuProcess:
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, cwd=directory, stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = described(process.pid, set())
        process.communicate()
    return found


def test_an_engine_of_a_running_server_of_ours_is_ours() -> None:
    with server() as running:
        process = described(running.engine, {running.process.pid})
    assert (process.name, process.kind) == (ENGINE, "mixvllm")
    assert process.user == getpass.getuser()


def test_an_engine_of_another_program_is_vllms() -> None:
    with server() as running:
        assert described(running.engine, {12345678}).kind == "vllm"


def test_an_engine_whose_server_is_dead_is_an_orphan() -> None:
    with server() as running:
        running.die()
        assert described(running.engine, set()).kind == "orphan"


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["-c", WAIT, "-m", "vllm.entrypoints.openai.api_server"], "vllm"),
        (["-c", WAIT, "-m", "mixvllm", "serve", "org/model"], "mixvllm"),
        (["vllm", "serve", "org/model"], "vllm"),
        (["mixvllm", "serve", "org/model"], "mixvllm"),
        (["train.py", "--model", "vllm"], "other"),
    ],
)
def test_a_program_is_known_by_its_command_line(
    tmp_path: Path, words: list[str], kind: str
) -> None:
    for script in ("vllm", "mixvllm", "train.py"):
        (tmp_path / script).write_text(WAIT)
    argv = [sys.executable, *words]
    found = described_while_running(argv, tmp_path)
    assert found.kind == kind
    assert found.command == " ".join(argv)


def test_keys_in_a_command_line_are_not_shown(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", WAIT, "--api-key", "sk-1"]
    found = described_while_running(argv, tmp_path)
    assert (found.command or "").endswith("--api-key ***")


def test_what_cannot_be_seen_stays_unknown() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert described(gone.pid, set()) == GpuProcess(gone.pid)


def test_a_process_keeps_what_it_holds_on_each_gpu() -> None:
    gpus = [Gpu(i, processes=(GpuProcess(os.getpid(), 1 << (30 + i)),)) for i in range(2)]
    named = with_processes_named(gpus, set())
    held = [(each.memory_bytes, each.user) for gpu in named for each in gpu.processes]
    assert held == [(1 << 30, getpass.getuser()), (1 << 31, getpass.getuser())]
