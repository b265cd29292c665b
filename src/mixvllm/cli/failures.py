"""Words for failures: the ones that mixvllm knows, and its own defects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mixvllm.cli.exit_status import ExitStatus, exit_status_of
from mixvllm.errors import MixvllmError, Problem

if TYPE_CHECKING:
    from mixvllm.cli.output import Output


def fail(output: Output, error: MixvllmError) -> int:
    """Word a known failure."""
    if output.debug:
        output.err.print_exception()
    if error.problems:
        from mixvllm.render.settings import placed_problem_as_json, render_problems

        output.fail(
            error.message,
            error.hint,
            [placed_problem_as_json(problem) for problem in error.problems],
            shown=render_problems(error.problems),
            code=error.code,
        )
        say_where_to_read_on(output, error.problems)
    else:
        output.fail(error.message, error.hint, code=error.code)
        read_on(output, [error.code] if error.code else [])
    return exit_status_of(error)


def say_where_to_read_on(output: Output, problems: Iterable[Problem]) -> None:
    """Name the lessons about what is wrong; remarks that stop nothing have none."""
    wrong = [problem for problem in problems if problem.severity == "error"]
    read_on(output, list(dict.fromkeys(problem.code for problem in wrong)))


def read_on(output: Output, codes: Sequence[str]) -> None:
    """Say in one line how the sections of docs/troubleshooting.md are read."""
    if not codes or output.as_json:
        return
    first, *others = codes
    more = f" (or {', '.join(others)})" if others else ""
    output.hint(f"More: mixvllm explain {first}{more}")


def fail_unexpectedly(output: Output, error: Exception) -> int:
    """Word a failure that is a defect of mixvllm."""
    if output.debug:
        output.err.print_exception()
    hint = "This is a defect of mixvllm; run again with --debug and report what it prints."
    output.fail(f"{type(error).__name__}: {error}", hint)
    return ExitStatus.FAILED
