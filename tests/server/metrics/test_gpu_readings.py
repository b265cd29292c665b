import time
from pathlib import Path

import httpx

from mixvllm.server.metrics.gpu_readings import GpuReadings
from tests.gpus.stand_in import MIB, TWO_H100, StandIn
from tests.server.metrics.exposition import Metrics
from tests.server.processes import ServerProcess, pause, server_process

RATIO = "mixvllm_gpu_utilization_ratio"
SMALL = ["-m", "tests.server.small_server"]


def test_the_gpus_appear_once_they_are_read_and_no_request_waits_for_them(
    stand_in: StandIn, tmp_path: Path
) -> None:
    with server_process(SMALL, tmp_path, stand_in.plays(TWO_H100)) as server:
        server.wait_for_phase("ready", within_s=30)
        first = scraped(server)
        read = first
        deadline = time.monotonic() + 20
        while "mixvllm_gpu_memory_used_bytes" not in read.names and time.monotonic() < deadline:
            pause()
            read = scraped(server)

    assert "mixvllm_gpu_memory_used_bytes" not in first.names
    labels = read.labels_of("mixvllm_gpu_memory_used_bytes")
    assert sorted(each["gpu"] for each in labels) == ["0", "1"]
    total = read.value("mixvllm_gpu_memory_total_bytes", **labels[0])
    assert total == 81559 * MIB
    ratios = read.labels_of("mixvllm_gpu_utilization_ratio")
    assert all(
        0 <= (read.value("mixvllm_gpu_utilization_ratio", **each) or 0) <= 1 for each in ratios
    )


def scraped(server: ServerProcess) -> Metrics:
    return Metrics(httpx.get(f"{server.url}/metrics", timeout=5).text)


def test_where_there_is_no_driver_nothing_is_read() -> None:
    readings = GpuReadings()

    assert readings.latest() == ()
    readings.close()
