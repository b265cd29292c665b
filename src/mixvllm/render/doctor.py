"""The doctor's report for people and as JSON."""

from __future__ import annotations

from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from mixvllm.doctor.check import Report
from mixvllm.render.theme import ERROR, MARK, NAME, WARNING

SIGNS = {"ok": ("✓", MARK), "warning": ("!", WARNING), "error": ("✗", ERROR)}
PLAIN_SIGNS = {"ok": "ok", "warning": "!", "error": "x"}


class ReportView:
    """A line for each check, with the fix below it, and the count."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """In signs that the terminal has."""
        table = Table.grid(padding=(0, 1))
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for check in self.report.checks:
            sign, style = SIGNS[check.status]
            sign = PLAIN_SIGNS[check.status] if options.ascii_only else sign
            told = Text(check.message)
            if check.fix is not None:
                told.append("\nfix: ").append(check.fix, style=NAME)
            table.add_row(Text(sign, style=style), Text(check.name, style=NAME), told)
        yield table
        yield ""
        yield Text(_count(self.report))


def _count(report: Report) -> str:
    found = [check.status for check in report.checks]
    counted = [
        f"{found.count(status)} {status}{'s' if found.count(status) > 1 else ''}"
        for status in ("error", "warning")
        if status in found
    ]
    return f"{' and '.join(counted)}." if counted else "Everything is as it should be."


def report_as_json(report: Report) -> dict[str, Any]:
    """The JSON document of `mixvllm doctor`."""
    return {
        "ok": report.is_ok,
        "checks": [
            {"name": each.name, "status": each.status, "message": each.message, "fix": each.fix}
            for each in report.checks
        ],
    }
