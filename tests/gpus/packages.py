"""What is installed, as a test wants it: real metadata, and nothing else on the path."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest


def add_package(site: Path, name: str, version: str, requires: Sequence[str] = ()) -> None:
    """The metadata of an installed distribution."""
    about = site / f"{name.replace('-', '_')}-{version}.dist-info/METADATA"
    about.parent.mkdir(parents=True)
    lines = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {each}" for each in requires]
    about.write_text("\n".join(lines) + "\n")


def look_only_at(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this be the only directory with installed packages."""
    others = [path for path in sys.path if "site-packages" not in path]
    monkeypatch.setattr(sys, "path", [str(site), *others])
