"""`mixvllm estimate-kv --solve`: what is missing for a question is looked for."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from mixvllm.cli.estimate_asked import Asked
from mixvllm.cli.exit_status import ExitStatus
from mixvllm.cli.options import spellings
from mixvllm.errors import UsageError
from mixvllm.memory.request import EstimateRequest
from mixvllm.memory.solution import Solution
from mixvllm.memory.solve import solve
from mixvllm.memory.trial import Checkpoint
from mixvllm.memory.unknowns import UNKNOWNS, Unknown
from mixvllm.render.solution import solution_view
from mixvllm.render.solution_json import solution_as_json
from mixvllm.settings.layers.command_line import GivenFlag
from mixvllm.sizing.request import estimate_request
from mixvllm.sizing.solve_model import best_models

NEEDS_GPU = ("gpus", "quantization", "model")
NEEDS_MEMORY = ("max-model-len", "concurrency")


def asked_unknown(text: str) -> Unknown:
    """What `--solve` looks for.

    Raises:
        UsageError: it is none of the things that can be.
    """
    for unknown in UNKNOWNS:
        if text.strip().lower().replace("_", "-") == unknown:
            return unknown
    raise UsageError(
        f"--solve: {text!r} is nothing to look for.", hint=f"Write one of {', '.join(UNKNOWNS)}."
    )


def answer_solved(asked: Asked, what: str) -> ExitStatus:
    """Solve, print and say by the exit code whether there is a solution.

    Raises:
        UsageError: something that the question needs is not given, or the unknown is.
    """
    unknown = asked_unknown(what)
    if asked.axes.count > 1:
        raise UsageError("--solve is for one model, GPU and release.")
    request = estimate_request(asked.settings, asked.choices(asked.axes))
    check_given(unknown, request, asked)
    if unknown == "model":
        solution = best_models(request)
    else:
        found = asked.found()
        request = asked.with_measurements(request, found)
        solution = solve(unknown, Checkpoint(found.description, found.weights), request)
    command = serve_command(solution, asked)
    output = asked.invocation.output
    output.answer(solution_view(solution, command), solution_as_json(solution, command))
    return ExitStatus.DONE if solution.answer else ExitStatus.NO


def check_given(unknown: Unknown, request: EstimateRequest, asked: Asked) -> None:
    """Hold the question to what it needs, and to what it looks for itself.

    Raises:
        UsageError: says what to add or to leave out.
    """
    has_memory = request.gpu is not None or request.kv_cache_memory_bytes is not None
    if unknown in NEEDS_GPU and request.gpu is None:
        raise UsageError(f"--solve {unknown} needs a GPU.", hint="Add --gpu NAME (H100, 24GiB).")
    if unknown in NEEDS_MEMORY and not has_memory:
        raise UsageError(
            f"--solve {unknown} needs to know the memory.",
            hint="Add --gpu NAME (H100, 24GiB) or --kv-cache-memory SIZE.",
        )
    taken = {
        "gpu": asked.gpu and "--gpu",
        "concurrency": asked.concurrency and "--concurrency",
        "model": asked.models and "MODEL",
    }
    if option := taken.get(unknown):
        raise UsageError(f"--solve {unknown} looks for it: leave {option} out.")


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
