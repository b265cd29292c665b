"""What is found on machines that a stand-in for NVIDIA's library plays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.gpus.packages import add_package
from tests.gpus.stand_in import (
    EIGHT,
    FORBIDDEN,
    HANGING,
    MIB,
    MIG,
    MISMATCH,
    MIXED,
    NOT_LOADED,
    ONE_LOST,
    ONE_SILENT,
    TWO_H100,
    UNIFIED,
    StandIn,
    h100,
    machine,
)

CODE = """
import json, os, sys
from dataclasses import asdict
from pathlib import Path
from mixvllm.gpus.inventory import Machine
nvml, torch, root, times = sys.argv[1:]
with Machine(
    os.environ, nvml_deadline_s=float(nvml), torch_deadline_s=float(torch), root=Path(root)
) as machine:
    for _ in range(int(times)):
        found = machine.inventory()
        print(json.dumps(asdict(found) | {
            "reason": found.reason, "usable": [each.index for each in found.usable]
        }), flush=True)
heavy = [name for name in ("torch", "pynvml", "psutil") if name in sys.modules]
assert not heavy, heavy
"""


def inventories(
    environment: dict[str, str],
    root: Path | str = "/nowhere",
    *,
    deadline_s: float = 20,
    times: int = 1,
) -> list[dict[str, Any]]:
    words = (str(deadline_s), str(deadline_s), str(root), str(times))
    ran = subprocess.run(
        [sys.executable, "-c", CODE, *words], env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()]


def inventory(environment: dict[str, str], **more: Any) -> dict[str, Any]:
    return inventories(environment, **more)[0]


def test_nvml_tells_everything_of_two_h100(stand_in: StandIn) -> None:
    found = inventory(stand_in.plays(TWO_H100))
    assert (found["source"], found["driver"], found["cuda"]) == ("nvml", "580.65.06", "13.0")
    assert found["reason"] is None
    busy, idle = found["gpus"]
    assert busy == {
        "index": 0,
        "uuid": "GPU-00000000-aaaa-bbbb-cccc-0123456789ab",
        "name": "NVIDIA H100 80GB HBM3",
        "memory_total_bytes": 81559 * MIB,
        "memory_reserved_bytes": 551 * MIB,
        "memory_used_bytes": 71337 * MIB,
        "memory_free_bytes": 9671 * MIB,
        "utilization_percent": 98,
        "temperature_c": 64,
        "power_w": 612.48,
        "power_limit_w": 700.0,
        "compute_capability": "9.0",
        "mig": None,
        "processes": [],
        "visible_as": 0,
        "error": None,
    }
    assert (idle["utilization_percent"], idle["visible_as"]) == (0, 1)


def test_unified_memory_is_unknown_and_not_none(stand_in: StandIn) -> None:
    (gpu,) = inventory(stand_in.plays(UNIFIED))["gpus"]
    assert gpu["name"] == "NVIDIA GB10"
    sizes = [gpu[f"memory_{part}_bytes"] for part in ("total", "reserved", "used", "free")]
    assert [*sizes, gpu["power_limit_w"]] == [None] * 5


def test_slices_are_listed_below_their_gpu_and_one_is_usable(stand_in: StandIn) -> None:
    found = inventory(stand_in.plays(MIG))
    divided, empty = found["gpus"]
    assert [part["uuid"][:12] for part in divided["mig"]] == ["MIG-00000001", "MIG-00000002"]
    assert divided["mig"][1]["memory_total_bytes"] == 40192 * MIB
    assert divided["mig"][1]["gpu_instance"] == 2
    assert (divided["visible_as"], divided["utilization_percent"]) == (None, None)
    assert empty["mig"] == []
    assert found["usable"] == [0]


def test_a_gpu_that_is_lost_is_marked_and_the_others_are_shown(stand_in: StandIn) -> None:
    found = inventory(stand_in.plays(ONE_LOST))
    first, lost, third = found["gpus"]
    assert "fallen off the bus" in lost["error"]
    assert (lost["index"], lost["name"], lost["memory_used_bytes"]) == (1, None, None)
    assert [gpu["error"] for gpu in (first, third)] == [None, None]
    assert found["usable"] == [0, 2]


def test_a_gpu_that_does_not_answer_hides_none_of_the_others(stand_in: StandIn) -> None:
    found, again = inventories(stand_in.plays(ONE_SILENT), deadline_s=3, times=2)
    assert [gpu["error"] for gpu in found["gpus"]] == [None, "the driver does not answer about it"]
    assert again == found


@pytest.mark.parametrize(
    ("plays", "reason"),
    [
        (MISMATCH, "NVIDIA's library and the loaded kernel driver are of different versions"),
        (NOT_LOADED, "NVIDIA's library is installed, but its kernel driver is not loaded"),
        (FORBIDDEN, "This user may not open NVIDIA's driver"),
        (machine(), "NVIDIA's driver finds no GPU"),
        (machine(errors={"nvmlInitWithFlags": 999}), "NVIDIA's management library fails"),
    ],
)
def test_a_driver_that_fails_is_a_reason(
    stand_in: StandIn, plays: dict[str, Any], reason: str
) -> None:
    found = inventory(stand_in.plays(plays))
    assert (found["source"], found["gpus"]) == ("none", [])
    assert found["reason"].startswith(reason)
    assert found["reason"].endswith("and there is no device of another vendor.")
    assert found["failures"][0]["fix"]


def test_a_driver_that_hangs_is_left_behind_at_the_deadline(stand_in: StandIn) -> None:
    began = time.monotonic()
    found = inventory(stand_in.plays(HANGING), deadline_s=2)
    assert time.monotonic() - began < 15
    assert found["reason"].startswith("NVIDIA's driver did not answer within 2 s")


def test_a_python_that_starts_slowly_is_not_taken_for_a_slow_driver(
    stand_in: StandIn, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import time; time.sleep(1.5)")
    environment = stand_in.plays(TWO_H100)
    paths = (str(tmp_path), environment.get("PYTHONPATH", ""))
    slow = environment | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    assert len(inventory(slow, deadline_s=1)["gpus"]) == 2


def test_a_library_that_cannot_be_loaded_is_a_reason(tmp_path: Path) -> None:
    (tmp_path / "libnvidia-ml.so.1").write_text("no library")
    found = inventory(os.environ | {"LD_LIBRARY_PATH": str(tmp_path)})
    assert found["reason"].startswith("NVIDIA's management library cannot be loaded")
    assert "libnvidia-ml.so.1" in found["reason"]


def test_readings_are_fresh_as_long_as_the_reader_is_kept(stand_in: StandIn) -> None:
    found = inventories(stand_in.plays(EIGHT), times=3)
    assert [len(each["gpus"]) for each in found] == [8, 8, 8]


def test_an_old_driver_does_not_tell_apart_what_it_reserves(stand_in: StandIn) -> None:
    old = h100(errors={"nvmlDeviceGetMemoryInfo_v2": 13, "nvmlDeviceGetTemperatureV": 3})
    (gpu,) = inventory(stand_in.plays(machine(old)))["gpus"]
    assert gpu["memory_reserved_bytes"] is None
    assert gpu["memory_used_bytes"] == 555 * MIB
    assert gpu["temperature_c"] is None


def test_a_process_that_computes_and_draws_is_listed_once(stand_in: StandIn) -> None:
    held = [{"pid": 70001, "memory": 5 * MIB}, {"pid": 70000, "memory": None}]
    busy = h100(processes=held, graphics=[{"pid": 70001, "memory": 7 * MIB}])
    (gpu,) = inventory(stand_in.plays(machine(busy)))["gpus"]
    listed = [(each["pid"], each["memory_bytes"]) for each in gpu["processes"]]
    assert listed == [(70000, None), (70001, 7 * MIB)]


def test_the_variable_is_honoured_and_told(stand_in: StandIn) -> None:
    environment = stand_in.plays(MIXED) | {"CUDA_VISIBLE_DEVICES": "1"}
    found = inventory(environment)
    assert found["visible_devices"] == "1"
    assert [gpu["visible_as"] for gpu in found["gpus"]] == [None, 0]
    assert found["usable"] == [1]


STAND_IN_TORCH = """
import sys, types
__version__ = "2.13.0"
version = types.SimpleNamespace(cuda=None, hip={hip!r})

class cuda:
    is_available = staticmethod(lambda: {available})
    device_count = staticmethod(lambda: 2)
    mem_get_info = staticmethod(lambda index: (180 * 2**30, 192 * 2**30))
    @staticmethod
    def get_device_properties(index):
        print("what a library says on stdout")
        return types.SimpleNamespace(
            name="AMD Instinct MI300X", total_memory=192 * 2**30, major=9, minor=4,
            gcnArchName="gfx942:sramecc+:xnack-",
        )
"""


def torch_package(directory: Path, text: str) -> dict[str, str]:
    """An environment in which `import torch` finds this text, and the loader no NVML."""
    site = directory / "site"
    (site / "torch").mkdir(parents=True)
    (site / "torch/__init__.py").write_text(text)
    add_package(site, "torch", "2.13.0")
    (directory / "libnvidia-ml.so.1").write_text("no library")
    (directory / "dev").mkdir()
    (directory / "dev/kfd").touch()
    path = f"{site}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    return os.environ | {"PYTHONPATH": path, "LD_LIBRARY_PATH": str(directory)}


def test_torch_answers_where_nvml_does_not(tmp_path: Path) -> None:
    text = STAND_IN_TORCH.format(hip="7.0", available=True)
    found = inventory(torch_package(tmp_path, text), root=tmp_path)
    assert found["source"] == "torch"
    assert found["reason"].startswith("NVIDIA's management library")
    assert [gpu["index"] for gpu in found["gpus"]] == [0, 1]
    gpu = found["gpus"][1]
    assert (gpu["name"], gpu["compute_capability"]) == ("AMD Instinct MI300X", "gfx942")
    assert gpu["memory_total_bytes"] == 192 * 1024 * MIB
    assert (gpu["memory_free_bytes"], gpu["memory_used_bytes"]) == (180 * 1024 * MIB, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (STAND_IN_TORCH.format(hip=None, available=False), "PyTorch 2.13.0 sees no GPU."),
        ("import time; time.sleep(3600)", "PyTorch did not answer within 3 s."),
        ("import os; os.abort()", "PyTorch ended its reader (SIGABRT)."),
        ("raise OSError('libcudart.so.13: no such file')", "(libcudart.so.13: no such file)."),
    ],
)
def test_a_torch_that_cannot_tell_is_a_reason(tmp_path: Path, text: str, reason: str) -> None:
    deadline_s = 3 if "sleep" in text else 20
    found = inventory(torch_package(tmp_path, text), root=tmp_path, deadline_s=deadline_s)
    assert (found["source"], found["gpus"]) == ("none", [])
    assert found["reason"].endswith(reason)


def test_a_reader_whose_owner_was_killed_does_not_stay_in_a_driver_that_hangs(
    stand_in: StandIn,
) -> None:
    reader = subprocess.Popen(
        [sys.executable, "-P", "-m", "mixvllm.gpus.nvml", "0.5"],
        env=stand_in.plays(HANGING),
        stdin=subprocess.PIPE,
    )
    assert reader.stdin is not None
    reader.stdin.write(b"\n")
    reader.stdin.close()
    assert reader.wait(60) == -signal.SIGALRM
