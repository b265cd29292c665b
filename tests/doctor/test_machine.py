"""Limits, storage, and what `serve` would start with."""

from __future__ import annotations

import os
import resource
import socket
from pathlib import Path

import pytest

from mixvllm.doctor.check import Check
from mixvllm.doctor.hardware import gpu_checks, open_files_check, shared_memory_check
from mixvllm.doctor.setup import port_check, setup_checks
from mixvllm.doctor.storage import disk_check, storage_checks
from mixvllm.gpus.device import Failure, Gpu, Inventory
from mixvllm.server.registry import RunningServer
from mixvllm.sizes import GIB


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def test_a_lost_gpu_is_an_error_of_its_own() -> None:
    gpus = (Gpu(0, name="H100", visible_as=0), Gpu(1, error="fallen off the bus"))
    first, lost = gpu_checks(Inventory(gpus, "nvml", driver="580.65"))
    assert (first.status, lost.name, lost.status) == ("ok", "GPU 1", "error")
    assert "1 not usable from here" in first.message


def test_a_driver_in_trouble_is_no_clean_bill() -> None:
    failure = Failure("the driver is broken", "sudo reboot")
    (check,) = gpu_checks(Inventory((), "none", failures=(failure,)))
    assert check.status in ("warning", "error")
    assert check.fix == "sudo reboot"


@pytest.mark.parametrize(
    ("limits", "status", "fix"),
    [
        ((65536, 65536), "ok", None),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), "ok", None),
        ((1024, 1048576), "warning", "ulimit -n 65536"),
        ((1024, 8192), "warning", "ulimit -n 8192"),
        ((1024, 1024), "warning", "docker run --ulimit nofile=65536:65536 ..."),
    ],
)
def test_few_open_files_are_a_warning(
    limits: tuple[int, int], status: str, fix: str | None
) -> None:
    check = open_files_check(limits)
    assert (check.status, check.fix) == (status, fix)


def test_shared_memory_that_is_not_there_is_no_problem(tmp_path: Path) -> None:
    assert shared_memory_check(tmp_path / "shm").status == "ok"


@pytest.mark.parametrize(("free_gib", "status"), [(100, "ok"), (10, "warning"), (1, "error")])
def test_a_full_disk_is_told(tmp_path: Path, free_gib: int, status: str) -> None:
    assert disk_check(tmp_path, free_gib * GIB).status == status


def test_a_token_is_found_and_never_shown(tmp_path: Path) -> None:
    checks = by_name(list(storage_checks({"HF_HOME": str(tmp_path), "HF_TOKEN": "hf_secret"})))
    assert checks["hub token"].message == "set by HF_TOKEN"
    (tmp_path / "token").write_text("hf_secret")
    checks = by_name(list(storage_checks({"HF_HOME": str(tmp_path)})))
    assert checks["hub token"].message == f"in {tmp_path / 'token'}"
    assert "hf_secret" not in str(checks)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_cache_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    checks = by_name(list(storage_checks({"HF_HOME": str(tmp_path / "below")})))
    assert checks["hub cache"].status == "error"


def test_a_wrong_file_is_an_error_with_the_command_that_tells_all(tmp_path: Path) -> None:
    (tmp_path / "mixvllm.yaml").write_text("server:\n  port: 80\n  hots: x\n")
    checks = by_name(list(setup_checks({}, (), tmp_path)))
    assert checks["config"].status == "error"
    assert "(2 problems)" in checks["config"].message
    assert (checks["config"].fix or "").startswith("mixvllm config validate ")


def test_variables_in_force_are_listed_without_secrets(tmp_path: Path) -> None:
    environment = {
        "MIXVLLM_SERVER__API_KEY": "sk-1",
        "CUDA_VISIBLE_DEVICES": "0",
        "MIXVLLM_SERVER__PROT": "9000",
        "HOME": "/home/somebody",
    }
    checks = list(setup_checks(environment, (), tmp_path))
    listed, unknown = [check for check in checks if check.name == "environment"]
    assert "MIXVLLM_SERVER__API_KEY=***" in listed.message
    assert "CUDA_VISIBLE_DEVICES=0" in listed.message
    assert "/home/somebody" not in listed.message
    assert (unknown.status, unknown.fix) == ("warning", "unset MIXVLLM_SERVER__PROT")


def test_a_taken_port_is_a_warning_unless_it_is_ours() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        check = port_check("127.0.0.1", port, ())
        assert (check.status, check.name) == ("warning", "port")
        assert (check.fix or "").startswith("mixvllm serve --port ")
        ours = RunningServer(1, 0.0, "127.0.0.1", port, "http://x", "m", "ready", 0.0)
        assert port_check("127.0.0.1", port, [ours]).status == "ok"
