"""An environment for each calculator, made once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import venv
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from benchmarks.calculators.probes.asked import Answer, Question
from benchmarks.calculators.tools import PROBES, Calculator

ROOT = Path(__file__).parents[2]
INSTALL_SECONDS = 900
ANSWER_SECONDS = 180


class CannotInstallError(Exception):
    """Pip's last words."""


def interpreter(calculator: Calculator, folder: Path) -> Path:
    """The calculator's Python; the environment is made where it is not there.

    Raises:
        CannotInstallError: pip fails.
    """
    environment = folder / calculator.name
    python = environment / "bin" / "python"
    stamp = environment / "packages.json"
    packages = json.dumps(calculator.packages)
    if stamp.is_file() and stamp.read_text("utf-8") == packages:
        return python
    shutil.rmtree(environment, ignore_errors=True)
    venv.create(environment, with_pip=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "-qq"]
    try:
        subprocess.run(
            [*pip, *calculator.packages],
            check=True,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        raise CannotInstallError(error.stderr.strip().splitlines()[-1]) from error
    except subprocess.TimeoutExpired as error:
        raise CannotInstallError(f"not installed after {INSTALL_SECONDS} s") from error
    stamp.write_text(packages, "utf-8")
    return python


def ask(
    calculator: Calculator, python: Path, question: Question, settings: Mapping[str, str]
) -> Answer:
    """The calculator's answer; `settings` are added to its environment variables."""
    try:
        done = subprocess.run(
            [python, "-m", f"{PROBES}.{calculator.probe}"],
            input=json.dumps(asdict(question)),
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **settings},
            timeout=ANSWER_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer(error=f"no answer after {ANSWER_SECONDS} s")
    if done.returncode:
        return Answer(error=done.stderr.strip().splitlines()[-1])
    return Answer(**json.loads(done.stdout.splitlines()[-1]))
