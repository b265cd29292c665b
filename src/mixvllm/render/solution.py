"""What `estimate-kv --solve` found, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from mixvllm.memory.solution import Option, Solution
from mixvllm.render.at_once import each_text, requests_text
from mixvllm.render.solution_table import SolutionTable
from mixvllm.render.theme import ERROR, GOOD, NAME
from mixvllm.render.units import size_text
from mixvllm.render.whole_words import whole_words

# Of the GPUs that do not do, and of those that do, so many are shown; of models, so many.
SMALLER, LARGER, MODELS = 3, 6, 20
SHORT_COMMAND = 76


def solution_view(solution: Solution, command: str | None) -> RenderableType:
    """The answer in a sentence, how to serve it, and what else was tried."""
    shown = _shown(solution)
    parts: list[RenderableType] = [headline(solution)]
    if command is not None:
        parts += ["", "Serve it:", Text(_in_lines(command), style=NAME)]
    elif solution.answer is not None and solution.answer.needs:
        needs = f"It needs {solution.answer.needs}: vLLM does not convert one while it loads."
        parts += ["", Text(needs)]
    parts += ["", SolutionTable(solution, shown), ""]
    parts += map(whole_words, (*_rest(solution, shown), *solution.notes))
    return Group(*parts, Text(_by_rules(solution)))


def headline(solution: Solution) -> Text:
    """The answer, or why there is none."""
    found = solution.answer
    if found is None:
        model = "" if solution.unknown == "model" else f"{solution.options[0].model}: "
        requests = _requests(solution, None)
        return Text.assemble(
            (model, NAME), ("no solution", ERROR), f" for {requests}: {solution.reason}."
        )
    answer, requests = _answer(solution, found), _requests(solution, found)
    match solution.unknown:
        case "max-model-len":
            return _sentence(found.model, answer, f"is the longest context for {requests}.")
        case "concurrency":
            return _sentence(found.model, answer, "run at once.")
        case "gpus":
            return _sentence(found.model, answer, f"hold {requests}.")
        case "gpu":
            return _sentence(found.model, answer, f"is the smallest GPU that holds {requests}.")
        case "quantization":
            return _sentence(found.model, answer, f"holds {requests} on {_gpus(found)}.")
        case "model":
            does = sum(option.fits for option in solution.options)
            rest = f" of {len(solution.options)} models run {requests} on {_gpus(found)}"
            largest = ("; the largest is ", (answer, GOOD), ".")
            return Text.assemble((f"{does}", GOOD), rest, *largest)


def _sentence(model: str, answer: str, rest: str) -> Text:
    return Text.assemble((model, NAME), ": ", (answer, GOOD), f" {rest}")


def _answer(solution: Solution, found: Option) -> str:
    match solution.unknown:
        case "max-model-len":
            return f"{found.max_model_len or 0:,} tokens"
        case "concurrency":
            return _requests(solution, found).removesuffix(" at once")
        case "gpus":
            return _gpus(found)
        case "gpu":
            return f"{_gpus(found)} ({size_text(found.gpu_bytes)})"
        case _:
            return found.value


def _gpus(option: Option) -> str:
    return f"{option.gpu_count} x {option.gpu}" if option.gpu_count > 1 else f"{option.gpu}"


def _requests(solution: Solution, found: Option | None) -> str:
    """`8 requests of 32,768 tokens at once`."""
    requests = requests_text(solution.concurrency)
    if solution.load is not None:
        return f"{requests} {each_text(0, solution.load)} at once"
    lengths = {option.max_model_len for option in solution.options if option.refusal is None}
    if solution.unknown == "concurrency" and found is not None:
        lengths = {found.max_model_len}
    length = lengths.pop() if len(lengths) == 1 else None
    if length is None or solution.unknown == "max-model-len":
        return f"{requests} of full length at once"
    return f"{requests} {each_text(length, None)} at once"


def _in_lines(command: str) -> str:
    """A long command a flag a line, each joined to the next, so that it can be copied."""
    if len(command) <= SHORT_COMMAND:
        return f"  {command}"
    return "  " + command.replace(" --", " \\\n    --")


def _shown(solution: Solution) -> Sequence[Option]:
    options = solution.options
    if solution.unknown == "model":
        return [option for option in options if option.fits][:MODELS]
    if solution.unknown != "gpu":
        return options
    if solution.answer is None:
        return options[-LARGER:]
    place = options.index(solution.answer)
    return options[max(0, place - SMALLER) : place + LARGER]


def _rest(solution: Solution, shown: Sequence[Option]) -> Iterator[str]:
    options = solution.options
    if solution.unknown == "model":
        refused = sum(option.refusal is not None for option in options)
        more = sum(option.fits for option in options) - len(shown)
        too_large = len(options) - refused - more - len(shown)
        yield (
            f"{more} more do; {too_large} do not fit; of {refused} the length is above their "
            "context, or their size is not known. --json has them all."
        )
    elif len(shown) < len(options):
        yield f"{len(options) - len(shown)} others were tried; --json has them all."


def _by_rules(solution: Solution) -> str:
    return (
        f"By the rules of vLLM {solution.vllm_version} and by memory alone: whether a GPU has "
        "kernels for a format is not judged."
    )
