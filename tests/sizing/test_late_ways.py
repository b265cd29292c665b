"""Ways out that are computed of what vLLM measured."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from mixvllm.settings.schema import ServeConfig
from mixvllm.sizing.late_ways import ways_after
from mixvllm.vllm_internals.installed import InstalledEngine
from mixvllm.vllm_internals.late_errors import LateError, recognised
from tests.gpus.stand_in import MIB, StandIn, h100, machine
from tests.vllm_internals.test_late_errors import KV_CACHE

CPU = InstalledEngine("0.32.0", "cpu")
WAYS = """
import json, sys
from mixvllm.settings.schema import ServeConfig
from mixvllm.sizing.late_ways import ways_after
from mixvllm.vllm_internals.installed import InstalledEngine
from mixvllm.vllm_internals.late_errors import recognised
settings = ServeConfig.from_layers([json.loads(sys.argv[2])])
print(json.dumps(ways_after(recognised(sys.argv[1]), settings, InstalledEngine("0.32.0", "gpu"))))
"""
NO_ROOM = (
    "To serve at least one request with the model's max seq len (131072), (20.0 GiB KV cache is "
    "needed, which is larger than the available KV cache memory (14.5 GiB). Based on the available "
    "memory, the estimated maximum model length is 95024."
)
IN_USE = (
    "Free memory on device cuda:0 (40.05/79.11 GiB) on startup is less than desired GPU memory "
    "utilization (0.9, 71.2 GiB)."
)


def known(text: str) -> LateError:
    error = recognised(text)
    assert error is not None
    return error


def settings(name: str = "Qwen/Qwen3-0.6B", **inference: Any) -> ServeConfig:
    return ServeConfig.from_layers([{"model": {"name": name}, "inference": inference}])


def on_gpus(
    stand_in: StandIn, text: str, name: str, *gpus: dict[str, Any], **inference: Any
) -> list[str]:
    asked = {"model": {"name": name}, "inference": inference}
    answer = subprocess.run(
        [sys.executable, "-c", WAYS, text, json.dumps(asked)],
        env=stand_in.plays(machine(*gpus)),
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stderr
    ways: list[str] = json.loads(answer.stdout)
    return ways


def test_a_small_cache_of_a_cpu_build_is_told_the_length_and_the_size_that_do() -> None:
    ways = ways_after(known(KV_CACHE), settings(max_model_len=8192), CPU)

    assert ways[0].startswith("`--max-model-len 896`")
    assert ways[1] == "`--cpu-kv-cache-gib 0.36` or more"


def test_a_model_that_nobody_knows_still_has_what_vllm_measured() -> None:
    ways = ways_after(known(KV_CACHE), settings("me/mine"), CPU)

    assert len(ways) == 2


def test_on_a_gpu_the_share_that_does_is_computed(stand_in: StandIn) -> None:
    ways = on_gpus(stand_in, NO_ROOM, "Qwen/Qwen3-8B", h100(0), gpu_memory_utilization=0.5)

    assert ways[0].startswith("`--max-model-len 95024`")
    assert ways[1] == "`--gpu-memory-utilization 0.57`"
    assert re.match(r"`--kv-cache-dtype fp8` \(about [\d,]+ tokens", ways[2])


def test_memory_in_use_is_answered_with_who_and_with_what_is_left(stand_in: StandIn) -> None:
    memory = {"total": 81559 * MIB, "reserved": 551 * MIB, "used": 40_000 * MIB}
    holder = {"pid": 1, "memory": 39_000 * MIB}
    ways = on_gpus(stand_in, IN_USE, "Qwen/Qwen3-8B", h100(0, memory=memory, processes=[holder]))

    assert ways[0].startswith("end what holds it now: process 1 (")
    assert ways[1] == "`--gpu-memory-utilization 0.5`, which is what was free"


@pytest.mark.parametrize("requests", [1024])
def test_out_of_memory_in_the_warm_up_halves_the_sequences(
    stand_in: StandIn, requests: int
) -> None:
    text = f"CUDA out of memory occurred when warming up sampler with {requests} dummy requests"
    ways = on_gpus(stand_in, text, "Qwen/Qwen3-8B", h100(0))

    assert ways[0] == f"`--max-num-seqs {requests // 2}`"
    assert ways[1].startswith("`--gpu-memory-utilization 0.85`")
    assert len(ways) == 3


def test_what_hangs_on_no_figure_has_its_fixed_advice() -> None:
    ways = ways_after(known("NCCL error: unhandled system error"), settings(), CPU)

    assert any("--shm-size" in way for way in ways)
