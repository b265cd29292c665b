import subprocess
import sys
from collections.abc import Iterator

from mixvllm.server.gpu_memory import GpuMemory
from mixvllm.sizes import GIB
from tests.gpus.stand_in import MIB, TWO_H100, StandIn

FREE_BYTES = "from mixvllm.server.gpu_memory import free_bytes; print(free_bytes())"


def readings(*gib: int) -> Iterator[dict[int, int]]:
    for free in gib:
        yield {0: free * GIB}


def test_a_new_engine_waits_until_the_memory_of_the_dead_one_is_free() -> None:
    looks = readings(80, 10, 80, 80)
    waits: list[str] = []
    memory = GpuMemory(lambda: next(looks))
    memory.wait_until_back(lambda: waits.append("first"))

    memory.wait_until_back(lambda: waits.append("second"))

    assert waits == ["second"]
    assert list(looks) == [{0: 80 * GIB}]


def test_it_does_not_wait_for_ever_for_memory_that_another_process_took() -> None:
    looks = readings(80, *[10] * 100)
    memory = GpuMemory(lambda: next(looks))
    memory.wait_until_back(lambda: None)

    memory.wait_until_back(lambda: None, patience_s=0)

    assert len(list(looks)) == 99


def test_what_is_free_is_what_the_driver_says(stand_in: StandIn) -> None:
    command = [sys.executable, "-c", FREE_BYTES]
    environment = stand_in.plays(TWO_H100)

    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)

    total = (81559 - 551) * MIB
    assert said.stdout.strip() == str({0: total - 71337 * MIB, 1: total - 4 * MIB})
