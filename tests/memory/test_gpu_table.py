from __future__ import annotations

import pytest

from mixvllm.errors import EstimateError
from mixvllm.memory.gpu_table import all_gpus, find_gpu
from mixvllm.memory.sizes import parse_size
from mixvllm.sizes import GIB


@pytest.mark.parametrize(
    ("text", "name", "nominal"),
    [
        ("H100", "H100", 80),
        ("h100-80g", "H100", 80),
        ("H100 80GB", "H100", 80),
        ("NVIDIA H100 80GB HBM3", "H100", 80),
        ("H100-NVL", "H100-NVL", 94),
        ("H200", "H200", 141),
        ("A100", "A100", 80),
        ("A100-40G", "A100", 40),
        ("a100-40", "A100", 40),
        ("NVIDIA A100-SXM4-80GB", "A100", 80),
        ("RTX4090", "RTX4090", 24),
        ("4090", "RTX4090", 24),
        ("NVIDIA GeForce RTX 3090", "RTX3090", 24),
        ("rtx-4060-ti-16g", "RTX4060-Ti", 16),
        ("4060ti", "RTX4060-Ti", 8),
        ("L40S", "L40S", 48),
        ("L4", "L4", 24),
        ("Tesla T4", "T4", 16),
        ("MI300X", "MI300X", 192),
        ("AMD Instinct MI300X", "MI300X", 192),
        ("AMD Radeon RX 9070 XT", "RX-9070-XT", 16),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "RTX-PRO-6000", 96),
        ("A6000", "RTX-A6000", 48),
        ("NVIDIA RTX 6000 Ada Generation", "RTX6000-Ada", 48),
        ("NVIDIA GB10", "GB10", 128),
        ("DGX Spark", "GB10", 128),
        ("B580", "Arc-B580", 12),
        ("Intel(R) Arc(TM) Pro B60 Graphics", "Arc-Pro-B60", 24),
        ("V100-32GB", "V100", 32),
        ("NVIDIA GH200 480GB", "GH200", 96),
    ],
)
def test_a_gpu_is_found_under_its_usual_spellings(text: str, name: str, nominal: int) -> None:
    gpu = find_gpu(text)
    assert (gpu.name, gpu.nominal_gib) == (name, nominal)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("24GiB", 24 * GIB),
        ("24g", 24 * GIB),
        ("24 G", 24 * GIB),
        ("80", 80 * GIB),
        ("24GB", 24 * 10**9),
        ("79.25GiB", int(79.25 * GIB)),
        ("25769803776B", 24 * GIB),
    ],
)
def test_a_size_alone_is_a_gpu_without_a_name(text: str, size: int) -> None:
    gpu = find_gpu(text)
    assert (gpu.name, gpu.total_bytes) == (None, size)


def test_a_size_after_the_name_replaces_its_memory_alone() -> None:
    gpu = find_gpu("A100:79.5GiB")
    assert (gpu.name, gpu.total_bytes) == ("A100", int(79.5 * GIB))
    assert gpu.compute_capability == "8.0"
    assert not gpu.is_measured


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("H10O", "H100"),
        ("RTX4091", "RTX4090"),
        ("4091", "RTX4090"),
        ("mi300", "MI300X"),
        ("A100-60G", "A100-80G"),
        ("-1", "Known are for example H100"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(text: str, nearest: str) -> None:
    with pytest.raises(EstimateError, match="is not known") as refusal:
        find_gpu(text)
    assert nearest in str(refusal.value.hint)


@pytest.mark.parametrize(
    "text",
    ["", " ", ":", "0", "-1", "0GiB", "nan", "1e9", "9" * 30, "A100:", "A100:x", ":24g", "é", "٣"],
)
def test_what_is_neither_name_nor_size_is_refused(text: str) -> None:
    with pytest.raises(EstimateError):
        find_gpu(text)


def test_every_gpu_of_the_table_is_found_by_its_name_and_size() -> None:
    for gpu in all_gpus():
        assert find_gpu(f"{gpu.name} {gpu.nominal_gib}GB") == gpu


def test_no_gpu_has_more_memory_than_its_name_says_nor_much_less() -> None:
    for gpu in all_gpus():
        assert gpu.nominal_gib is not None
        assert 0.9 <= gpu.total_bytes / (gpu.nominal_gib * GIB) <= 1
        assert gpu.nominal_gib >= 8


def test_a_unit_that_does_not_exist_is_no_size() -> None:
    assert parse_size("24parsecs") is None
