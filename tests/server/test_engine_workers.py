"""Two API workers in front of the real engine."""

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.server.processes import still_running
from tests.server.worker_clients import (
    ask,
    assert_polite,
    counted,
    ends_of_streams,
    recovered,
    two_workers,
)

pytestmark = pytest.mark.engine


def test_two_workers_answer_and_the_death_of_one_is_healed(tmp_path: Path) -> None:
    with two_workers(tmp_path) as server:
        before = server.status() or {}
        with ThreadPoolExecutor() as clients:
            texts = [done.result() for done in [clients.submit(ask, server) for _ in range(8)]]
        assert all("Paris" in text for text in texts)
        assert counted(server).endswith(" 8.0")
        assert before["kv_cache"]["actual_tokens"] == before["kv_cache"]["predicted_tokens"]

        ends = ends_of_streams(server, before["worker_pids"][:1], signal.SIGKILL)

        assert 0 < ends.count("cut") < 6
        assert_polite(ends)
        assert httpx.get(f"{server.url}/health").status_code == 503
        after = recovered(server, 1)
        assert not set(before["worker_pids"]) & set(after["worker_pids"])
        # An engine that connects late must still find the sockets by their names.
        named = sockets_listened_on(after["worker_pids"][0])
        assert len(named) >= 4
        assert all(path.exists() for path in named)
        family = server.family()
        server.send(signal.SIGTERM)
        assert server.process.wait(30) == 0
        assert still_running(family, within_s=10) == []


def sockets_listened_on(worker_pid: int) -> list[Path]:
    """Where the processes of a worker's server listen for each other."""
    variables = Path(f"/proc/{worker_pid}/environ").read_bytes().split(b"\0")
    (base,) = [each for each in variables if each.startswith(b"VLLM_RPC_BASE_PATH=")]
    directory = base.decode().partition("=")[2]
    rows = [row.split() for row in Path("/proc/net/unix").read_text().splitlines()[1:]]
    # Flags (third from the left) with the bit of listen(2), and a name.
    listening = [row[7] for row in rows if len(row) > 7 and int(row[3], 16) & 0x10000]
    return [Path(path) for path in listening if path.startswith(directory)]
