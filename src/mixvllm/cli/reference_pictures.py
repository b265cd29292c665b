"""`docs/pictures/`: what commands show, drawn by the commands themselves (`--svg`)."""

from __future__ import annotations

import io
import shlex
from contextlib import redirect_stderr, redirect_stdout

from mixvllm.cli.app import run
from mixvllm.cli.reference_surroundings import nowhere

# What is shown must not depend on the machine: models of the catalogue, and GPUs by their names.
PICTURES = {
    "estimate": "estimate-kv Qwen/Qwen3-8B --gpu L40S",
    "compare": "estimate-kv Qwen/Qwen3-8B --compare L4,L40S,H100",
    "solve": "estimate-kv Qwen/Qwen3-8B --concurrency 8 --max-model-len 16k --solve gpu",
}


def picture_of(command: str) -> str:
    """The SVG that a command draws."""
    with nowhere() as here, redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        run([*shlex.split(command), "--svg", "picture.svg"])
        return (here / "picture.svg").read_text(encoding="utf-8") + "\n"
