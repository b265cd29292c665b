"""Installs the built packages into empty environments of each Python, and tries them there.

    python installs.py DIST

`DIST` has one wheel and one sdist. `nox -s packages` builds them and runs this.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

PYTHONS = ("3.11", "3.12", "3.13")
LIGHT_PARTS = Path(__file__).with_name("light_parts.py")
CHAT = ("openai", "mcp", "prompt_toolkit")
# An environment is empty of engines, and mixvllm is the installed one.
LOOK = """
import importlib.util, sys, mixvllm
found = [name for name in sys.argv[2:] if importlib.util.find_spec(name)]
assert mixvllm.__file__.startswith(sys.prefix), mixvllm.__file__
assert mixvllm.estimate("demo", gpu="L40S").fits
assert " ".join(found) == sys.argv[1], found
"""


def interpreters(version: str) -> Iterator[str]:
    """Where a Python may be: in the path, or among pyenv's."""
    if in_path := shutil.which(f"python{version}"):
        yield in_path
    kept = Path.home() / ".pyenv" / "versions"
    yield from (str(path) for path in kept.glob(f"{version}.*/bin/python{version}"))


def interpreter(version: str) -> str | None:
    """A Python of this version that runs; None where there is none."""
    for path in interpreters(version):
        said = subprocess.run([path, "-V"], capture_output=True, text=True, check=False).stdout
        if said.startswith(f"Python {version}."):
            return path
    return None


def try_installed(python: str, package: Path, extra: str) -> None:
    """Install one package, with or without extras, and try its light parts.

    Raises:
        CalledProcessError: it cannot be installed, or a part fails.
    """
    with tempfile.TemporaryDirectory() as directory:
        bin_directory = Path(directory) / "environment" / "bin"
        run(python, "-m", "venv", str(bin_directory.parent))
        own = str(bin_directory / "python")
        pip = (own, "-m", "pip", "--disable-pip-version-check", "install", "-qq", "--retries", "1")
        run(*pip, f"{package}{extra}")
        there = " ".join(CHAT) if extra else ""
        run(own, "-c", LOOK, there, "vllm", "torch", *CHAT, cwd=directory)
        run(own, str(LIGHT_PARTS), str(bin_directory / "mixvllm"), cwd=directory)


def run(*words: str, cwd: str | None = None) -> None:
    """Run a command that must succeed, with nothing of ours in its way."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(words, check=True, cwd=cwd, env=environment)


def main(dist: Path) -> int:
    """Try the wheel on every Python, and the sdist on the newest; 1 where one is missing."""
    (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    found = {version: interpreter(version) for version in PYTHONS}
    tries = [(v, wheel, extra) for v in PYTHONS for extra in ("", "[all]")]
    for version, package, extra in (*tries, (PYTHONS[-1], sdist, "")):
        python = found[version]
        if python is not None:
            sys.stdout.write(f"Python {version}: {package.name}{extra}: ")
            sys.stdout.flush()
            try_installed(python, package, extra)
    missing = [version for version, python in found.items() if python is None]
    for version in missing:
        sys.stdout.write(f"NOT TRIED: there is no Python {version} on this machine.\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
