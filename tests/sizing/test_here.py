from __future__ import annotations

import pytest

from mixvllm.gpus.device import Gpu, Inventory
from mixvllm.gpus.visible import as_seen
from mixvllm.memory.estimate import estimate
from mixvllm.memory.gpu_table import find_gpu
from mixvllm.memory.request import EstimateRequest
from mixvllm.models.find import find_model
from mixvllm.sizing.here import planned_here
from mixvllm.sizing.present import PresentGpus, as_present

MIB = 1 << 20
H100 = ("NVIDIA H100 80GB HBM3", 81559, 551)
RTX_4090 = ("NVIDIA GeForce RTX 4090", 24564, 354)


def here(*devices: tuple[str, int, int]) -> PresentGpus:
    gpus = tuple(
        Gpu(index, name=name, memory_total_bytes=t * MIB, memory_reserved_bytes=reserved * MIB)
        for index, (name, t, reserved) in enumerate(devices)
    )
    return as_present(Inventory(as_seen(gpus, None), "nvml"))


@pytest.mark.parametrize(
    ("devices", "ranks", "name", "notes"),
    [
        (
            [H100],
            1,
            "H100",
            ["Planned for H100 with 79.11 GiB, the GPU of this machine; --gpu names another."],
        ),
        (
            [H100, RTX_4090],
            1,
            "H100",
            [
                "Planned for H100 with 79.11 GiB, of the 2 GPUs of this machine; --gpu names "
                "another."
            ],
        ),
        (
            [H100, RTX_4090, H100],
            2,
            "RTX4090",
            [
                "Planned for RTX4090 with 23.64 GiB, of the 3 GPUs of this machine, the smallest "
                "of the first 2; --gpu names another."
            ],
        ),
        (
            [H100, H100],
            8,
            "H100",
            [
                "Planned for H100 with 79.11 GiB, of the 2 GPUs of this machine; --gpu names "
                "another.",
                "The settings take 8 GPUs, and 2 are here.",
            ],
        ),
    ],
)
def test_the_gpus_that_vllm_would_take_are_planned_for(
    devices: list[tuple[str, int, int]], ranks: int, name: str, notes: list[str]
) -> None:
    request = planned_here(EstimateRequest(tensor_parallel_size=ranks), here(*devices))

    assert request.gpu is not None
    assert request.gpu.name == name
    assert list(request.notes) == notes


def test_a_gpu_that_is_named_stays_and_none_is_made_up() -> None:
    named = EstimateRequest(gpu=find_gpu("L40S"))

    assert planned_here(named, here(H100)) == named
    assert planned_here(EstimateRequest(), here()) == EstimateRequest()


def test_weights_of_unknown_size_leave_the_sizes_of_the_cache() -> None:
    found = find_model("openai/gpt-oss-20b", may_ask_the_hub=False)
    request = planned_here(EstimateRequest(), here(H100))

    answer = estimate(found.description, None, found.source, request)

    assert answer.capacity is None
    assert answer.kv_cache.bytes_per_token > 0
