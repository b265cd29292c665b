"""Words for failures: the ones that mixvllm knows, and its own defects."""

from __future__ import annotations

from mixvllm.cli.exit_status import ExitStatus, exit_status_of
from mixvllm.cli.output import Output
from mixvllm.errors import MixvllmError


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
    else:
        output.fail(error.message, error.hint, code=error.code)
    return exit_status_of(error)


def fail_unexpectedly(output: Output, error: Exception) -> int:
    """Word a failure that is a defect of mixvllm."""
    if output.debug:
        output.err.print_exception()
    hint = "This is a defect of mixvllm; run again with --debug and report what it prints."
    output.fail(f"{type(error).__name__}: {error}", hint)
    return ExitStatus.FAILED
