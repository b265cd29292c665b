"""The environment that vLLM is started with; what the user has set stays as it is."""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path

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
    environ: MutableMapping[str, str], *, key_is_ours: bool, max_n: int
) -> None:
    """Set vLLM's variables where they are unset.

    Args:
        environ: The environment that vLLM and its processes will see.
        key_is_ours: Whether our gateway asks for a key. vLLM would ask for the one in
            `VLLM_API_KEY` as well, and no request can carry both.
        max_n: The most answers that one request may ask for.
    """
    for name, value in DEFAULTS.items():
        environ.setdefault(name, value)
    environ.setdefault("VLLM_MAX_N_SEQUENCES", str(max_n))
    if key_is_ours:
        environ.pop("VLLM_API_KEY", None)


def put_sockets_into(environ: MutableMapping[str, str], directory: Path) -> None:
    """Give vLLM's sockets a directory, unless the user has: it leaves them behind."""
    environ.setdefault("VLLM_RPC_BASE_PATH", str(directory))
