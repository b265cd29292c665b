"""The documents' comparison with other calculators: our numbers in it are those of today."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.calculators.ours import our_answer
from benchmarks.calculators.question import SUBJECTS
from benchmarks.calculators.table import in_bytes
from benchmarks.calculators.tools import CALCULATORS

ROOT = Path(__file__).parents[2]
Cells = dict[str, dict[str, str]]


def tables(document: str) -> list[Cells]:
    """The tables of models in a document: cells by the row's label and the column's model."""
    found: list[Cells] = []
    models: list[str] = []
    shorts = {subject.short for subject in SUBJECTS}
    for line in Path(ROOT, document).read_text("utf-8").splitlines():
        label, *cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if set(cells) & shorts:
            models = cells
            found.append({})
        elif line.startswith("|") and models:
            found[-1][label] = dict(zip(models, cells, strict=True))
        else:
            models = []
    return found


@pytest.mark.parametrize(("table", "quantity"), [(0, "kv_bytes"), (1, "weights_bytes")])
def test_our_row_in_the_manual_is_what_the_estimator_computes(table: int, quantity: str) -> None:
    row = tables("docs/memory.md")[table]["mixvllm"]
    computed = {subject.short: in_bytes(our_answer(subject), quantity) for subject in SUBJECTS}
    assert row == computed


def test_our_caches_in_the_manual_are_vllms() -> None:
    rows = tables("docs/memory.md")[0]
    assert rows["mixvllm"] == rows["vLLM 0.32.0"]


def test_the_manual_names_the_versions_that_the_benchmark_asks() -> None:
    asked = {f"{calculator.name} {calculator.version}" for calculator in CALCULATORS}
    assert asked == {label for label in tables("docs/memory.md")[0] if "." in label} - {
        "vLLM 0.32.0"
    }


def test_the_readme_says_of_other_calculators_what_the_manual_says() -> None:
    manual = tables("docs/memory.md")[0]
    (readme,) = tables("README.md")
    for label, cells in readme.items():
        if label in manual and label != "mixvllm":
            assert cells == {model: manual[label][model] for model in cells}
    assert set(readme["mixvllm"].values()) == {"right"}
