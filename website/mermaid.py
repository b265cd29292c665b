"""Fetch Mermaid's script for the site: `python -m website.mermaid`.

Three megabytes that no repository needs: a wheel has them, so that pip alone is enough, and the
checksum is that of `dist/mermaid.min.js` in Mermaid's own npm package of the same version (MIT).
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

WHEEL = "artoo-mermaid==11.16.0"
MEMBER = "artoo_mermaid/assets/mermaid.min.js"
SHA256 = "74d7c46dabca328c2294733910a8aa1ed0c37451776e8d5295da38a2b758fb9b"
SCRIPT = Path(__file__).parents[1] / "build" / "mermaid.min.js"


def is_right(script: Path) -> bool:
    """Whether the file is there and is Mermaid's."""
    return script.is_file() and hashlib.sha256(script.read_bytes()).hexdigest() == SHA256


def fetch(script: Path) -> None:
    """Write the script, unless it is there; blocks while pip downloads.

    Raises:
        subprocess.CalledProcessError: pip cannot download the wheel; it has said why.
        ValueError: what came is not Mermaid's script.
    """
    if is_right(script):
        return
    with tempfile.TemporaryDirectory() as directory:
        # The wheel is for artoo's Python; the script in it is for browsers.
        any_python = ["--only-binary=:all:", "--python-version=3.12", "--no-deps"]
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "download"]
        subprocess.run([*pip, *any_python, "--retries=1", "-d", directory, WHEEL], check=True)
        (wheel,) = Path(directory).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            script.parent.mkdir(parents=True, exist_ok=True)
            script.write_bytes(archive.read(MEMBER))
    if not is_right(script):
        script.unlink()
        raise ValueError(f"{WHEEL} does not hold the script whose checksum is {SHA256}")


if __name__ == "__main__":
    fetch(SCRIPT)
