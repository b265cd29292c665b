from __future__ import annotations

import pytest

from mixvllm.gpus.device import Gpu, Inventory, MigSlice
from mixvllm.gpus.visible import as_seen
from mixvllm.sizes import GIB
from mixvllm.sizing.present import PresentGpus, as_present, planned

MIB = 1 << 20


def device(name: str | None, total_mib: int | None, reserved_mib: int | None = None) -> Gpu:
    return Gpu(
        0,
        name=name,
        memory_total_bytes=total_mib and total_mib * MIB,
        memory_reserved_bytes=reserved_mib and reserved_mib * MIB,
    )


def present(*devices: Gpu, visible: str | None = None) -> PresentGpus:
    return as_present(Inventory(as_seen(devices, visible), "nvml"))


@pytest.mark.parametrize(
    ("name", "total_mib", "reserved_mib", "pytorch_gib"),
    [
        ("NVIDIA H100 80GB HBM3", 81559, 551, 79.1),
        ("NVIDIA A100-SXM4-80GB", 81920, 766, 79.25),
        ("NVIDIA GeForce RTX 4090", 24564, 354, 23.64),
    ],
)
def test_the_memory_is_what_pytorch_reports(
    name: str, total_mib: int, reserved_mib: int, pytorch_gib: float
) -> None:
    gpu = planned(device(name, total_mib, reserved_mib))
    assert gpu is not None
    assert gpu.total_bytes / GIB == pytest.approx(pytorch_gib, abs=0.01)
    assert gpu.is_measured


def test_the_name_gives_what_the_table_knows_of_it() -> None:
    gpu = planned(device("NVIDIA A100-SXM4-40GB", 40960))
    assert gpu is not None
    assert (gpu.name, gpu.nominal_gib, gpu.compute_capability) == ("A100", 40, "8.0")


def test_of_two_sizes_under_one_name_the_nearer_one_is_meant() -> None:
    gpu = planned(device("NVIDIA GeForce RTX 3080", 12288))
    assert gpu is not None
    assert gpu.nominal_gib == 12


def test_a_name_that_the_table_does_not_have_is_planned_for_by_its_size() -> None:
    gpu = planned(device("NVIDIA Graphics Device", 40000))
    assert gpu is not None
    assert (gpu.name, gpu.total_bytes) == ("NVIDIA Graphics Device", 40000 * MIB)


def test_unified_memory_is_planned_for_by_its_name() -> None:
    gpu = planned(device("NVIDIA GB10", None))
    assert gpu is not None
    assert gpu.has_unified_memory
    assert gpu.total_bytes == int(121.69 * GIB)


def test_without_a_size_and_a_known_name_nothing_is_planned() -> None:
    assert planned(device("NVIDIA Graphics Device", None)) is None
    assert planned(device(None, None)) is None
    assert present(device(None, None)).to_plan_for(1) is None


def test_the_smallest_of_those_that_are_used_sets_the_limit() -> None:
    large, small = Gpu(0, memory_total_bytes=48 * GIB), Gpu(1, memory_total_bytes=24 * GIB)
    for count, visible, total in ((1, None, 48), (2, None, 24), (4, None, 24), (1, "1,0", 24)):
        gpu = present(large, small, visible=visible).to_plan_for(count)
        assert gpu is not None
        assert gpu.total_bytes == total * GIB


def test_no_gpu_is_planned_for_where_none_is_seen() -> None:
    assert present(Gpu(0, memory_total_bytes=GIB), visible="").to_plan_for(1) is None


def test_a_slice_is_planned_for_by_its_own_size() -> None:
    part = MigSlice(0, name="NVIDIA H100 MIG 3g.40gb", memory_total_bytes=39 * GIB)
    gpu = present(Gpu(0, name="NVIDIA H100 80GB HBM3", mig=(part,))).to_plan_for(1)
    assert gpu is not None
    assert gpu.total_bytes == 39 * GIB
