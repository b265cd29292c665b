"""The wheel has all that the light parts need; `nox -s packages` tries it in empty environments."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.packages.light_parts import PARTS, Part, try_part

pytest.importorskip("hatchling", reason="the wheel is built with hatchling, of the test group")
pytest.importorskip("hatch_vcs", reason="the wheel is built with hatch-vcs, of the test group")

ROOT = Path(__file__).parents[2]
ARCHIVAL = ROOT / ".git_archival.txt"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FALLBACK = PROJECT["tool"]["hatch"]["version"]["fallback-version"]
# What must not be found, although the tests' own environment has it.
BLOCKED = """
import sys
for name in ("vllm", "torch", "transformers", "openai", "mcp"):
    sys.modules[name] = None
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, unpacked."""
    directory = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = directory.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(directory / "site")
    (directory / "site" / "sitecustomize.py").write_text(BLOCKED)
    return directory / "site"


@pytest.mark.parametrize("part", PARTS, ids=lambda part: " ".join(part.words))
def test_a_light_part_works_out_of_the_wheel(
    part: Part, unpacked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(unpacked))

    try_part([sys.executable, "-m", "mixvllm"], part, tmp_path)


def test_the_wheel_is_what_runs_there(unpacked: Path, tmp_path: Path) -> None:
    code = "import mixvllm; print(mixvllm.__file__, mixvllm.__version__)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    file, version = done.stdout.split()

    assert file == str(unpacked / "mixvllm" / "__init__.py")
    assert (unpacked / f"mixvllm-{version}.dist-info").is_dir()


def test_the_wheel_is_typed_and_has_no_tests(unpacked: Path) -> None:
    assert (unpacked / "mixvllm" / "py.typed").is_file()
    assert {path.name.partition("-")[0] for path in unpacked.iterdir()} == {
        "mixvllm",
        "sitecustomize.py",
    }


def test_a_build_without_git_takes_the_version_that_it_is_told(tmp_path: Path) -> None:
    dockerfile = (ROOT / "deploy" / "docker" / "cpu.Dockerfile").read_text(encoding="utf-8")
    (variable,) = re.findall(r"(\w+)=\$\{MIXVLLM_VERSION\}", dockerfile)

    assert version_without_git(tmp_path, {variable: "9.9"}) == "9.9"


@pytest.mark.parametrize(
    ("described", "version"),
    [
        ("v0.3.0", "0.3.0"),
        ("v0.3.0-5-gabc1234", "0.3.1.dev5+gabc1234"),
        ("", f"{FALLBACK}+gabc1234"),
    ],
)
def test_a_source_archive_tells_its_version(described: str, version: str, tmp_path: Path) -> None:
    if not ARCHIVAL.is_file():
        pytest.skip("the sdist has its version in PKG-INFO")
    expanded = {"%H": "abc1234" + "0" * 33, "%h": "abc1234", "%cI": "2026-11-22T10:00:00+00:00"}
    told = re.sub(
        r"\$Format:(.*?)\$",
        lambda match: expanded.get(match[1], described),
        ARCHIVAL.read_text(encoding="utf-8"),
    )
    (tmp_path / ARCHIVAL.name).write_text(told, encoding="utf-8")

    assert version_without_git(tmp_path) == version


def version_without_git(directory: Path, variables: dict[str, str] | None = None) -> str:
    """The version of a build in a directory that has what the version needs and no git."""
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        (directory / file).write_bytes((ROOT / file).read_bytes())
    said = subprocess.run(
        [sys.executable, "-m", "hatchling", "metadata", "version"],
        env={**os.environ, **(variables or {})},
        cwd=directory,
        capture_output=True,
        text=True,
        check=True,
    )
    return said.stdout.strip()
