"""`mixvllm estimate-kv --solve`: what is missing for a question is looked for."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from mixvllm.cli.estimate_asked import Asked
from mixvllm.cli.exit_status import ExitStatus
from mixvllm.cli.options import spellings
from mixvllm.errors import UsageError
from mixvllm.memory.solution import Solution
from mixvllm.memory.solve import solve
from mixvllm.memory.trial import Checkpoint
from mixvllm.render.solution import solution_view
from mixvllm.render.solution_json import solution_as_json
from mixvllm.settings.flags import GivenFlag
from mixvllm.sizing.request import estimate_request
from mixvllm.sizing.solve_model import best_models
from mixvllm.sizing.solve_question import asked_unknown, check_question


def answer_solved(asked: Asked, what: str) -> ExitStatus:
    """Solve, print and say by the exit code whether there is a solution.

    Raises:
        UsageError: something that the question needs is not given, or the unknown is.
    """
    unknown = asked_unknown(what)
    if asked.axes.count > 1:
        raise UsageError("--solve is for one model, GPU and release.")
    choices = asked.choices(asked.axes)
    request = estimate_request(asked.settings, choices)
    check_question(unknown, request, choices, names_model=bool(asked.models))
    if unknown == "model":
        solution = best_models(request)
    else:
        found = asked.found()
        request = asked.of_model(request, found)
        solution = solve(unknown, Checkpoint(found.description, found.weights), request)
    command = serve_command(solution, asked)
    output = asked.invocation.output
    output.answer(solution_view(solution, command), solution_as_json(solution, command))
    if output.as_json:
        for note in solution.notes:
            output.note(note)
    return ExitStatus.DONE if solution.answer else ExitStatus.NO


def serve_command(solution: Solution, asked: Asked) -> str | None:
    """What to type to serve the answer: the flags that were given, and those that were found.

    None without an answer, and where it needs another checkpoint than the one that was named.
    """
    found = solution.answer
    if found is None or found.needs is not None:
        return None
    words = ["mixvllm", "serve", found.model]
    words += ["--config", str(asked.config)] if asked.config else []
    words += ["--profile", asked.profile] if asked.profile else []
    added = [word for flag in found.flags if not flag.startswith("--gpu ") for word in flag.split()]
    words += [*_kept(asked.flags, added), *added]
    pass_through = asked.invocation.pass_through
    return shlex.join([*words, *(["--", *pass_through] if pass_through else [])])


def _kept(flags: Sequence[GivenFlag], added: Sequence[str]) -> Iterator[str]:
    """The given flags that the found ones do not replace; the model is named already."""
    keys = {spelling.flag: spelling.field.key for spelling in spellings()}
    replaced = {keys[word] for word in added if word in keys} | {"model.name"}
    for flag in flags:
        if keys[flag.spelling] in replaced:
            continue
        yield flag.spelling
        if not isinstance(flag.value, bool):
            yield str(flag.value)
