"""The environment that vLLM is started with; what the user has set stays as it is."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path

NODES = Path("/sys/devices/system/node")
DEFAULTS = {
    "VLLM_NO_USAGE_STATS": "1",
    # What `vllm serve` sets: forked workers cannot use a GPU that the parent has touched.
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
    # A worker stuck in a collective with a dead one has nothing to save.
    "VLLM_WORKER_SHUTDOWN_TIMEOUT_SECONDS": "1",
    # The output is matched line by line and kept in a file.
    "VLLM_LOGGING_COLOR": "0",
    "VLLM_DISABLE_LOG_LOGO": "1",
}


def prepare_environment(
    environ: MutableMapping[str, str], *, key_is_ours: bool, max_n: int, cpu_ranks: int = 1
) -> None:
    """Set vLLM's variables where they are unset.

    Args:
        environ: The environment that vLLM and its processes will see.
        key_is_ours: Whether our gateway asks for a key. vLLM would ask for the one in
            `VLLM_API_KEY` as well, and no request can carry both.
        max_n: The most answers that one request may ask for.
        cpu_ranks: How many processes compute on the CPUs of this machine.
    """
    for name, value in DEFAULTS.items():
        environ.setdefault(name, value)
    environ.setdefault("VLLM_MAX_N_SEQUENCES", str(max_n))
    if cpu_ranks > max(1, _memory_nodes()):
        environ.setdefault(
            "VLLM_CPU_OMP_THREADS_BIND", cpu_shares(cpu_ranks, os.sched_getaffinity(0))
        )
    if key_is_ours:
        environ.pop("VLLM_API_KEY", None)


def cpu_shares(ranks: int, cpus: Collection[int]) -> str:
    """How vLLM is told to spread processes over CPUs: the same number for each.

    Left alone it gives each process a NUMA node, and refuses more processes than there are nodes.

    Args:
        ranks: How many processes.
        cpus: The numbers of the CPUs.
    """
    share = len(cpus) // ranks
    if not share:
        return "nobind"
    numbers = sorted(cpus)
    parts = (numbers[rank * share : (rank + 1) * share] for rank in range(ranks))
    return "|".join(",".join(map(str, part)) for part in parts)


def _memory_nodes() -> int:
    """How many NUMA nodes have memory; 0 where the system does not say."""
    return len(list(NODES.glob("node[0-9]*")))


@contextmanager
def temporary_sockets(environ: MutableMapping[str, str]) -> Iterator[None]:
    """Give vLLM's sockets a directory that goes with them; it leaves them behind."""
    if "VLLM_RPC_BASE_PATH" in environ:
        yield
        return
    # In the system's own directory: the path of a socket has room for 107 characters.
    directory = tempfile.mkdtemp(prefix="mixvllm-")
    environ["VLLM_RPC_BASE_PATH"] = directory
    try:
        yield
    finally:
        shutil.rmtree(directory, ignore_errors=True)
