"""The faults of a server with two API workers in front of the real engine."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.processes import ServerProcess, still_running
from tests.server.worker_clients import assert_polite, ends_of_streams, recovered, two_workers

pytestmark = pytest.mark.faults


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with two_workers(tmp_path) as server:
        yield server


def test_with_workers_the_death_of_the_engine_is_healed_however_it_comes(
    server: ServerProcess,
) -> None:
    for restarts, place in enumerate((0, -1), start=1):
        pid = (server.status() or {})["engine_pids"][place]
        ends = ends_of_streams(server, [pid], signal.SIGKILL)
        assert "cut" not in ends
        assert_polite(ends)
        recovered(server, restarts)

    stopped = (server.status() or {})["worker_pids"][0]
    assert_polite(ends_of_streams(server, [stopped], signal.SIGSTOP))
    recovered(server, 3)


def test_with_workers_nothing_is_left_of_a_killed_server(server: ServerProcess) -> None:
    family = server.family()

    server.send(signal.SIGKILL)

    assert server.process.wait(5) == -signal.SIGKILL
    assert still_running(family, within_s=5) == []
