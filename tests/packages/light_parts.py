"""The parts of an installed mixvllm that need no engine, tried outside the repository.

    PYTHON light_parts.py MIXVLLM...

`MIXVLLM...` is the command that starts it. Only the standard library is needed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

CONFIG = "model:\n  name: openai/gpt-oss-20b\ninference:\n  gpus: 2\n"
WRONG = "model:\n  name: org/model\nserver:\n  prot: 8000\n"


@dataclass(frozen=True)
class Part:
    """One command, how it ends, and what it says."""

    words: tuple[str, ...]
    code: int
    holds: Callable[[str], object]


def says(*parts: str) -> Callable[[str], bool]:
    """Whether each of these is said."""
    return lambda text: all(part in text for part in parts)


PARTS = (
    Part(("--version",), 0, says("mixvllm ", "vLLM ")),
    Part(("--help",), 0, says("serve", "estimate-kv", "config")),
    Part(("config", "validate", "right.yaml"), 0, says("right.yaml")),
    Part(("config", "validate", "wrong.yaml"), 1, says("wrong.yaml:4:3", "did you mean port?")),
    Part(("config", "show", "--config", "right.yaml", "--vllm-args"), 0, says("--model")),
    Part(("config", "schema"), 0, json.loads),
    Part(("config", "init", "--model", "Qwen/Qwen3-8B", "--gpu", "L40S", "-"), 0, says("model:")),
    Part(
        ("estimate-kv", "openai/gpt-oss-20b", "--gpu", "H100", "--json"),
        0,
        lambda text: json.loads(text)["fits"] is True,
    ),
    Part(("gpus", "--json"), 0, lambda text: "gpus" in json.loads(text)),
    Part(("doctor", "--json"), 0, lambda text: "checks" in json.loads(text)),
    Part(("status", "--json"), 0, lambda text: "servers" in json.loads(text)),
    Part(("explain", "kv-cache"), 0, says("KV cache")),
    Part(("serve", "--help"), 0, says("--gpu-memory")),
    Part(("chat", "--help"), 0, says("--enable-mcp")),
)


def try_part(command: Sequence[str], part: Part, directory: Path) -> None:
    """Run one and look at what it says.

    Raises:
        AssertionError: it ended otherwise, or said something else.
    """
    (directory / "right.yaml").write_text(CONFIG, encoding="utf-8")
    (directory / "wrong.yaml").write_text(WRONG, encoding="utf-8")
    done = subprocess.run(
        [*command, *part.words], cwd=directory, capture_output=True, text=True, check=False
    )
    said = f"{part.words} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    assert done.returncode == part.code, said
    assert part.holds(done.stdout), said


def main(command: Sequence[str]) -> None:
    """Try all of them."""
    with tempfile.TemporaryDirectory() as directory:
        for part in PARTS:
            try_part(command, part, Path(directory))
    sys.stdout.write(f"{len(PARTS)} commands answer as they must\n")


if __name__ == "__main__":
    main(sys.argv[1:])
