"""Installs the built packages into empty environments of each Python, and tries them there.

    python installs.py DIST

`DIST` has one wheel and one sdist. `nox -s packages` builds them and runs this, with uv and pipx
beside this Python.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

PYTHONS = ("3.11", "3.12", "3.13")
LIGHT_PARTS = Path(__file__).with_name("light_parts.py")
CHAT = ("openai", "mcp", "prompt_toolkit")
TOOL_INSTALLERS = {"uv": ("tool", "install"), "pipx": ("install",)}
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


def try_as_tool(installer: str, python: str, wheel: Path) -> None:
    """Install the wheel as a tool of its own, as the README says, and try its light parts.

    Args:
        installer: `uv` or `pipx`.
        python: The Python that the tool gets.
        wheel: The wheel.

    Raises:
        CalledProcessError: it cannot be installed, or a part fails.
    """
    with tempfile.TemporaryDirectory() as directory:
        commands = Path(directory) / "bin"
        own = {"UV_TOOL_DIR": "tools", "UV_TOOL_BIN_DIR": "bin", "PIPX_HOME": "tools"}
        places = {name: str(Path(directory) / place) for name, place in own.items()}
        places |= {"PIPX_BIN_DIR": str(commands), "PATH": f"{commands}:{os.environ['PATH']}"}
        words = [*TOOL_INSTALLERS[installer], "--quiet", "--python", python, str(wheel)]
        beside_us = Path(sys.executable).with_name(installer)
        run(str(beside_us), *words, cwd=directory, places=places)
        run(sys.executable, str(LIGHT_PARTS), str(commands / "mixvllm"), cwd=directory)


def run(*words: str, cwd: str | None = None, places: Mapping[str, str] | None = None) -> None:
    """Run a command that must succeed, with nothing of ours in its way."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(words, check=True, cwd=cwd, env={**environment, **(places or {})})


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
    if newest := found[PYTHONS[-1]]:
        for installer in TOOL_INSTALLERS:
            sys.stdout.write(f"{installer}: {wheel.name}: ")
            sys.stdout.flush()
            try_as_tool(installer, newest, wheel)
    missing = [version for version, python in found.items() if python is None]
    for version in missing:
        sys.stdout.write(f"NOT TRIED: there is no Python {version} on this machine.\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
