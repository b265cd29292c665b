"""Real processes in the places of vLLM's: API workers with small engines, and an engine core."""

import multiprocessing
import time
from collections.abc import Callable, MutableSequence
from dataclasses import dataclass
from multiprocessing.context import SpawnProcess

from mixvllm.server.api_worker import Access
from mixvllm.vllm_internals.facts import EngineFacts
from mixvllm.vllm_internals.shared_engine import SharedEngine
from tests.server.small_engine import SmallEngine

SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class SmallAccess:
    """A worker's access to a small engine of its own."""

    place: int
    loads: MutableSequence[int]

    def connect(self) -> SmallEngine:
        return SmallEngine(EngineFacts(max_model_len=64, kv_cache_tokens=128))


class Processes:
    """What vLLM's managers of processes have in common."""

    def __init__(self, processes: list[SpawnProcess]) -> None:
        self.processes = processes
        for process in processes:
            process.start()

    def shutdown(self, timeout: float) -> None:
        for process in self.processes:
            process.terminate()
            process.join(timeout)
            process.kill()


def launch_small(count: int, work: Callable[[Access], None]) -> SharedEngine:
    """Start as many processes that do the work, and one that is the engine."""
    loads = SPAWN.RawArray("i", [2**31 - 1] * count)
    engine = SharedEngine(listeners=None)
    engine.cores = Processes([SPAWN.Process(name="core", target=time.sleep, args=(600,))])
    places = [SmallAccess(place, loads) for place in range(count)]
    engine.workers = Processes(
        [SPAWN.Process(name=f"worker {p.place}", target=work, args=(p,)) for p in places]
    )
    return engine
