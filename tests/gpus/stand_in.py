"""The stand-in for NVIDIA's library, and the machines that it plays."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
COMPILER = shutil.which("cc") or shutil.which("gcc")
MIB = 1 << 20
# NVML's codes, as far as the scenarios fail with them; the last is the stand-in's own.
DRIVER_NOT_LOADED, NO_PERMISSION, GPU_IS_LOST, VERSION_MISMATCH = 9, 4, 15, 18
HANG = -1


def compile_library(directory: Path) -> Path:
    """Build the library under the name that the loader looks for."""
    assert COMPILER is not None
    library = directory / "libnvidia-ml.so.1"
    source = HERE / "nvml_stand_in.c"
    flags = ["-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run([COMPILER, *flags, "-o", str(library), str(source)], check=True)
    return library


@dataclass(frozen=True)
class StandIn:
    """The library, and a place for what it is to play."""

    library: Path
    directory: Path

    def plays(self, machine: dict[str, Any]) -> dict[str, str]:
        """The environment in which a process finds this machine."""
        script = self.directory / "machine.json"
        unfinished = script.with_suffix(".new")
        unfinished.write_text(json.dumps(machine))
        unfinished.replace(script)
        known = {name: value for name, value in os.environ.items() if not name.startswith("CUDA_")}
        return known | {
            "LD_LIBRARY_PATH": str(self.library.parent),
            "NVML_STAND_IN": str(script),
        }


def h100(index: int = 0, **more: Any) -> dict[str, Any]:
    """An H100 at rest, in the driver's figures."""
    return {
        "name": "NVIDIA H100 80GB HBM3",
        "uuid": f"GPU-{index:08x}-aaaa-bbbb-cccc-0123456789ab",
        "bus_id": f"00000000:{index + 1:02X}:00.0",
        "memory": {"total": 81559 * MIB, "reserved": 551 * MIB, "used": 4 * MIB},
        "utilization": 0,
        "temperature": 34,
        "power": 71250,
        "power_limit": 700000,
        "capability": [9, 0],
        "is_mig_capable": 1,
        "processes": [],
        "graphics": [],
    } | more


def machine(*gpus: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A machine with these GPUs and a driver."""
    return {"driver": "580.65.06", "cuda": 13000, "gpus": list(gpus)} | more


def a_slice(index: int, instance: int, **more: Any) -> dict[str, Any]:
    """A third of an H100."""
    return {
        "name": "NVIDIA H100 80GB HBM3 MIG 3g.40gb",
        "uuid": f"MIG-{index:08x}-dddd-eeee-ffff-0123456789ab",
        "memory": {"total": 40192 * MIB, "reserved": 0, "used": 44 * MIB},
        "gpu_instance": instance,
        "compute_instance": 0,
    } | more


TWO_H100 = machine(
    h100(
        0,
        memory={"total": 81559 * MIB, "reserved": 551 * MIB, "used": 71337 * MIB},
        utilization=98,
        temperature=64,
        power=612480,
    ),
    h100(1),
)
MIXED = machine(
    {
        "name": "NVIDIA GeForce RTX 4090",
        "uuid": "GPU-40900000-1111-2222-3333-444444444444",
        "memory": {"total": 24564 * MIB, "reserved": 350 * MIB, "used": 1208 * MIB},
        "utilization": 3,
        "temperature": 41,
        "power": 28900,
        "power_limit": 450000,
        "capability": [8, 9],
        "processes": [],
        "graphics": [],
    },
    {
        "name": "NVIDIA RTX A6000",
        "uuid": "GPU-a6000000-1111-2222-3333-444444444444",
        "memory": {"total": 49140 * MIB, "reserved": 620 * MIB, "used": 2 * MIB},
        "utilization": 0,
        "temperature": 29,
        "power": 21730,
        "power_limit": 300000,
        "capability": [8, 6],
        "processes": [],
        "graphics": [],
    },
)
MIG = machine(h100(0, mig=[a_slice(1, 1), a_slice(2, 2)], utilization=None), h100(1, mig=[]))
UNIFIED = machine(
    {
        "name": "NVIDIA GB10",
        "uuid": "GPU-10000000-1111-2222-3333-444444444444",
        "utilization": 12,
        "temperature": 45,
        "power": 11900,
        "capability": [12, 1],
        "processes": [],
    }
)
ONE_LOST = machine(h100(0), h100(1, errors={"nvmlDeviceGetHandleByIndex_v2": GPU_IS_LOST}), h100(2))
ONE_SILENT = machine(h100(0), h100(1, errors={"nvmlDeviceGetPowerUsage": HANG}))
MISMATCH = machine(errors={"nvmlInitWithFlags": VERSION_MISMATCH})
NOT_LOADED = machine(errors={"nvmlInitWithFlags": DRIVER_NOT_LOADED})
FORBIDDEN = machine(errors={"nvmlInitWithFlags": NO_PERMISSION})
HANGING = machine(errors={"nvmlInitWithFlags": HANG})
# Four GPUs on two CPUs: 0 and 1 joined by four NVLinks, 2 and 3 by a PCIe switch.
JOINED = machine(
    h100(0, links=[1, 1, 1, 1], levels=[0, 30, 50, 50]),
    h100(1, links=[0, 0, 0, 0], levels=[30, 0, 50, 50]),
    h100(2, levels=[50, 50, 0, 10]),
    h100(3, levels=[50, 50, 10, 0]),
)
SWITCHED = machine(*(h100(i, links=[-1] * 18, levels=[40] * 4) for i in range(4)))
EIGHT = machine(
    *(h100(i, memory={"total": 81559 * MIB, "reserved": 551 * MIB, "used": 0}) for i in range(8))
)
