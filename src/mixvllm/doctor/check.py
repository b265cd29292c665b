"""One line of the doctor's report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Check:
    """What one check found.

    Attributes:
        name: What was looked at.
        status: `error` keeps `serve` from working, `warning` may do so later.
        message: What was found.
        fix: The command that helps, or None where nothing is to do.
    """

    name: str
    status: Status
    message: str
    fix: str | None = None


@dataclass(frozen=True)
class Report:
    """All the checks."""

    checks: tuple[Check, ...]

    @property
    def is_ok(self) -> bool:
        """Whether there is no error."""
        return all(check.status != "error" for check in self.checks)

    @property
    def has_problems(self) -> bool:
        """Whether there is an error or a warning."""
        return any(check.status != "ok" for check in self.checks)
