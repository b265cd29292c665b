"""How a calculator is asked: a question as JSON on stdin, an answer as JSON on stdout.

A probe runs in the calculator's own environment, so this module needs nothing but Python.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

GIB = 2**30


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        name: The model's name on the hub; HF_ENDPOINT is where it answers.
        own_names: What calculators with a list of their own call it.
        directory: A folder with the model's config.json.
        tokens: Tokens of the request.
        ranks: Tensor-parallel ranks.
        weights_format: `bf16`, `fp8` or `mxfp4`.
    """

    name: str
    own_names: tuple[str, ...]
    directory: str
    tokens: int
    ranks: int
    weights_format: str

    @property
    def config_file(self) -> Path:
        """The model's config.json."""
        return Path(self.directory, "config.json")

    @property
    def config(self) -> dict[str, Any]:
        """What it says."""
        read: dict[str, Any] = json.loads(self.config_file.read_text("utf-8"))
        return read


@dataclass(frozen=True)
class Answer:
    """What the calculator said.

    Attributes:
        kv_bytes: Its KV cache of one request.
        weights_bytes: Its weights, None where it would only repeat what files tell.
        is_whole: Whether it knows no ranks, so that these are the bytes of all.
        error: Its refusal, in its own words.
    """

    kv_bytes: float | None = None
    weights_bytes: float | None = None
    is_whole: bool = False
    error: str | None = None


class CalculatorError(Exception):
    """The calculator refuses, in these words."""


def run_probe(ask: Callable[[Question], Answer]) -> None:
    """Answer the question on stdin; whatever goes wrong is the calculator's answer."""
    read = json.load(sys.stdin)
    question = Question(**{**read, "own_names": tuple(read["own_names"])})
    try:
        with redirect_stdout(sys.stderr):
            answer = ask(question)
    except CalculatorError as error:
        answer = Answer(error=str(error))
    except (Exception, SystemExit) as error:
        answer = Answer(error=f"{type(error).__name__}: {error}")
    print(json.dumps(asdict(answer)))


def command(name: str, *arguments: str) -> str:
    """What the calculator's command prints.

    Raises:
        CalculatorError: it ends with an error, which is its last line.
    """
    path = Path(sys.executable).with_name(name)
    wide = {**os.environ, "COLUMNS": "10000", "NO_COLOR": "1"}
    done = subprocess.run([path, *arguments], capture_output=True, text=True, env=wide, check=False)
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise CalculatorError(lines[-1].strip() if lines else f"exit status {done.returncode}")
    return done.stdout
