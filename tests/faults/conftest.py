"""What the fault tests measure is shown at their end: docs/reliability.md is made from it."""

from collections.abc import Callable

import pytest

FIGURES: list[tuple[str, str]] = []
Note = Callable[[str, str], None]


@pytest.fixture
def note() -> Note:
    """Keeps a figure: what it is of, and the figure in words."""
    return lambda what, figure: FIGURES.append((what, figure))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was noted."""
    if FIGURES:
        terminalreporter.section("figures")
    for what, figure in FIGURES:
        terminalreporter.write_line(f"{what}: {figure}")
