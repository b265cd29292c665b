"""Where the generated documents run their commands: a place that is the same on every machine."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

COLUMNS = "90"
# Whatever would give the words of one machine another look than those of the next.
LOOKS = (
    *("FORCE_COLOR", "CLICOLOR_FORCE", "PY_COLORS", "GITHUB_ACTIONS", "TTY_COMPATIBLE"),
    *("NO_COLOR", "TTY_INTERACTIVE"),
)


@contextmanager
def nowhere() -> Iterator[Path]:
    """A directory of its own, where nothing of this user's settings and GPUs counts."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory() as directory, chdir(directory):
        for name in before:
            if name.startswith("MIXVLLM_") or name in LOOKS:
                del os.environ[name]
        homes = {f"XDG_{kind}_HOME": f"{directory}/{kind}" for kind in ("DATA", "STATE", "CONFIG")}
        fixed = {"CUDA_VISIBLE_DEVICES": "", "COLUMNS": COLUMNS, "TERM": "xterm"}
        os.environ.update(homes | fixed)
        try:
            yield Path(directory)
        finally:
            os.environ.clear()
            os.environ.update(before)
