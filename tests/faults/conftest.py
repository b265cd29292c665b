"""What the fault tests measure is shown at their end: docs/reliability.md is made from it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.server.processes import ServerProcess, server_process

FIGURES: list[tuple[str, str]] = []
Note = Callable[[str, str], None]
READY_WITHIN_S = 600
# Long enough for the longest step of the engine on a busy machine.
WEDGED_AFTER_S = 10


@pytest.fixture
def note() -> Note:
    """Keeps a figure: what it is of, and the figure in words."""
    return lambda what, figure: FIGURES.append((what, figure))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> Iterator[ServerProcess]:
    """One server with the real engine, for all faults that it must live through."""
    directory = tmp_path_factory.mktemp("server")
    environment = {
        "XDG_CACHE_HOME": str(shared_cache),
        "XDG_STATE_HOME": str(directory / "state"),
        "XDG_RUNTIME_DIR": str(directory / "run"),
    }
    command = ["-m", "mixvllm", "serve", "demo", "--host", "127.0.0.1", "--cpu-kv-cache-gib", "1"]
    limits = ["--max-restarts", "40", "--health-timeout-s", str(WEDGED_AFTER_S)]
    with server_process([*command, *limits], directory, environment) as process:
        process.wait_for_phase("ready", within_s=READY_WITHIN_S)
        yield process


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was noted."""
    if FIGURES:
        terminalreporter.section("figures")
    for what, figure in FIGURES:
        terminalreporter.write_line(f"{what}: {figure}")
