"""Where mixvllm keeps its files: the XDG directories of this user, asked for when needed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import platformdirs


def state_directory() -> Path:
    """Logs and history (`$XDG_STATE_HOME/mixvllm`)."""
    return Path(platformdirs.user_state_dir("mixvllm"))


def data_directory() -> Path:
    """What was learned on this machine (`$XDG_DATA_HOME/mixvllm`)."""
    return Path(platformdirs.user_data_dir("mixvllm"))


def cache_directory() -> Path:
    """What can be made again, such as the prepared demo model (`$XDG_CACHE_HOME/mixvllm`)."""
    return Path(platformdirs.user_cache_dir("mixvllm"))


def runtime_directory() -> Path:
    """One small file per running server (`$XDG_RUNTIME_DIR/mixvllm`).

    Where no session gives such a directory (containers, cron), one under the state directory takes
    its place: platformdirs' substitute in /tmp has a name that anybody can take first.
    """
    given = os.environ.get("XDG_RUNTIME_DIR")
    return Path(given) / "mixvllm" if given else state_directory() / "run"


def runtime_variable() -> str:
    """The variable that chooses the runtime directory."""
    return "XDG_RUNTIME_DIR" if os.environ.get("XDG_RUNTIME_DIR") else "XDG_STATE_HOME"


def hub_home(environment: Mapping[str, str]) -> Path:
    """Where Hugging Face's tools keep token and cache (`$HF_HOME`)."""
    default = f"{environment.get('XDG_CACHE_HOME') or '~/.cache'}/huggingface"
    return Path(environment.get("HF_HOME") or default).expanduser()


def hub_cache(environment: Mapping[str, str]) -> Path:
    """Where they keep models (`$HF_HUB_CACHE`)."""
    return Path(environment.get("HF_HUB_CACHE") or hub_home(environment) / "hub").expanduser()
