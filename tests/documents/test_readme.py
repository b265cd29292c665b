"""The README is read in one go: what is longer belongs into docs/."""

from __future__ import annotations

from tests.documents.blocks import ROOT

MOST_LINES = 150


def test_the_readme_stays_short() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()

    assert len(lines) <= MOST_LINES
