"""Where models come from and where they go: the hub's token and cache, and the disk below it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from mixvllm.directories import hub_cache, hub_home
from mixvllm.doctor.check import Check, Status
from mixvllm.sizes import GIB

# A model of 7 billion parameters in 16 bits takes 15 GiB.
LITTLE_BYTES, TOO_LITTLE_BYTES = 20 * GIB, 2 * GIB
TOKEN_VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")


def storage_checks(environment: Mapping[str, str]) -> Iterator[Check]:
    """Token, cache and disk; a token is never shown."""
    yield _token_check(environment, hub_home(environment))
    cache = hub_cache(environment)
    there = next(each for each in (cache, *cache.absolute().parents) if each.exists())
    yield _cache_check(environment, cache, there)
    yield disk_check(there, shutil.disk_usage(there).free)


def _token_check(environment: Mapping[str, str], home: Path) -> Check:
    for name in TOKEN_VARIABLES:
        if environment.get(name):
            return Check("hub token", "ok", f"set by {name}")
    file = Path(environment.get("HF_TOKEN_PATH") or home / "token").expanduser()
    if os.access(file, os.R_OK):
        return Check("hub token", "ok", f"in {file}")
    message = "none; only models with a licence to accept need one (`hf auth login`)"
    return Check("hub token", "ok", message)


def _cache_check(environment: Mapping[str, str], cache: Path, there: Path) -> Check:
    offline = ", offline" if environment.get("HF_HUB_OFFLINE") in ("1", "true", "yes") else ""
    if not os.access(there, os.W_OK):
        message = f"{cache} cannot be written"
        return Check("hub cache", "error", message, 'export HF_HOME="$HOME/models"')
    state = f"{cache}" if there == cache else f"{cache}, not made yet"
    return Check("hub cache", "ok", f"{state}{offline}")


def disk_check(directory: Path, free_bytes: int) -> Check:
    """Room for a model."""
    told = f"{free_bytes / GIB:.1f} GiB free at {directory}"
    if free_bytes >= LITTLE_BYTES:
        return Check("disk", "ok", told)
    status: Status = "error" if free_bytes < TOO_LITTLE_BYTES else "warning"
    message = f"{told}; a model of 7 billion parameters takes 15 GiB"
    return Check("disk", status, message, "export HF_HOME=/a/larger/disk")
