"""What vLLM's CPU platform will put into its processes' environment, known before vLLM is.

Libraries read these variables when they are loaded, so a process that loads them ahead must have
them from its start. All of it is a forecast: who acts on it compares it with what vLLM asks for.
From `vllm/platforms/cpu.py` and `vllm/utils/ompmultiprocessing.py`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

OPENMP = ("libomp", "libgomp", "libiomp")
CPUS = Path("/sys/devices/system/cpu")
NODES = Path("/sys/devices/system/node")
# One engine has one worker here; vLLM keeps as many cores free for the rest.
WORKERS = 1


def expected_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables for every process of the engine."""
    expected = {"TORCHINDUCTOR_COMPILE_THREADS": "1", "TORCHINDUCTOR_CPP_DYNAMIC_THREADS": "1"}
    preloaded = environ.get("LD_PRELOAD", "")
    if not any(name in preloaded for name in OPENMP):
        preloaded = ":".join(filter(None, [preloaded, _library("torch", "lib", "libgomp*.so*")]))
    if "libtcmalloc" not in preloaded:
        allocator = _library("vllm", "libs", "libtcmalloc_minimal*.so*")
        allocator = allocator or _library("vllm", "libs", "libtcmalloc.so*")
        preloaded = ":".join(filter(None, [allocator, preloaded]))
    if preloaded:
        expected["LD_PRELOAD"] = preloaded
    return expected


def expected_binding(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that bind the threads of a single worker to its cores."""
    asked = environ.get("VLLM_CPU_OMP_THREADS_BIND", "auto")
    if asked == "nobind" or "|" in asked:  # the latter is for several workers, which are spawned
        return {}
    cpus = _free_cores() if asked == "auto" else sorted(set(_parsed(asked)))
    return {"OMP_NUM_THREADS": str(len(cpus)), "GOMP_CPU_AFFINITY": " ".join(map(str, cpus))}


def _library(package: str, directory: str, pattern: str) -> str:
    """A library inside a package, which is not imported for it; empty where there is none."""
    spec = find_spec(package)
    for place in spec.submodule_search_locations or () if spec else ():
        beside = Path(place).parent / f"{package}.libs"
        for found in [*beside.glob(pattern), *(Path(place) / directory).glob(pattern)]:
            return str(found)
    return ""


def _free_cores() -> list[int]:
    """One logical CPU of each core of the first memory node, less those that vLLM keeps free."""
    allowed = os.sched_getaffinity(0)
    if node := _text(NODES / f"node{_first_node()}" / "cpulist"):
        allowed &= set(_parsed(node))
    last_of_core: dict[str, int] = {}
    for cpu in sorted(allowed):
        siblings = _text(CPUS / f"cpu{cpu}" / "topology" / "thread_siblings_list")
        last_of_core[siblings or str(cpu)] = cpu
    cpus = sorted(last_of_core.values())
    return cpus if len(cpus) <= WORKERS else cpus[:-WORKERS]


def _first_node() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("Mems_allowed_list:"):
            return min(_parsed(line.partition(":")[2].strip()), default=0)
    return 0


def _parsed(ranges: str) -> Iterator[int]:
    """`0-2,5` as numbers; nothing where it is no such list."""
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        if first.isdigit() and (last or first).isdigit():
            yield from range(int(first), int(last or first) + 1)


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
