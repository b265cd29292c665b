"""What reading one layer gives: values with their origins, and what was wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mixvllm.errors import Problem
from mixvllm.settings.origin import Given
from mixvllm.settings.problems import problem_at


@dataclass(frozen=True)
class Reading:
    """One layer as it was read.

    Attributes:
        given: The values, in the order in which a later one of the same key wins.
        problems: What was wrong, warnings included.
    """

    given: tuple[Given, ...] = ()
    problems: tuple[Problem, ...] = ()

    def __add__(self, other: Reading) -> Reading:
        """Both readings, the other one later."""
        return Reading((*self.given, *other.given), (*self.problems, *other.problems))


def find_contradictions(given: Iterable[Given]) -> list[Problem]:
    """A name and its alias with different values, in one place: an error on the later one."""
    first_by_key: dict[str, Given] = {}
    problems = []
    for value in given:
        first = first_by_key.setdefault(value.key, value)
        if first is not value and first.value != value.value:
            message = f"contradicts {first.written}: the two are names of one setting"
            problems.append(
                problem_at(value, message, suggestion="keep one of them", code="conflicting-values")
            )
    return problems
