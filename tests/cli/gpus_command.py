"""`mixvllm gpus` as a process: the loader looks for NVIDIA's library when that starts."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Ran:
    """What one run left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def gpus(
    environment: dict[str, str], *options: str, width: int = 100, directory: Path | None = None
) -> Ran:
    """Run it in this environment, in a terminal of this width."""
    ran = subprocess.run(
        [sys.executable, "-m", "mixvllm", "gpus", *options],
        env=environment | {"COLUMNS": str(width)},
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)
