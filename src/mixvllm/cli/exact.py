"""`estimate-kv --exact`: the option, and the answer by vLLM's own planner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mixvllm.cli.exit_status import ExitStatus
from mixvllm.errors import UsageError

if TYPE_CHECKING:
    from mixvllm.cli.estimate_asked import Asked

ExactOption = Annotated[
    bool,
    typer.Option(
        "--exact",
        help="Ask the planner of the installed vLLM: any architecture that it has, without weights "
        "and without a GPU. Needs the model's config.json and takes 10 to 60 seconds.",
    ),
]


def refuse_beside_exact(*, log: object, solve: object) -> None:
    """Refuse the questions that `--exact` does not answer; each is true where it is asked.

    Raises:
        UsageError: one is.
    """
    if log:
        raise UsageError("--exact does not read logs: leave it or --from-log out.")
    if solve:
        raise UsageError("--exact answers for given settings: leave it or --solve out.")


def answer_exactly(asked: Asked) -> ExitStatus:
    """Print the estimate by the installed vLLM, with words on stderr while it works.

    Raises:
        UsageError: something is asked for that its planner does not answer.
        MixvllmError: vLLM is not there, or gives no answer.
    """
    from mixvllm.cli.estimate_one import say_one
    from mixvllm.sizing.exact import estimate_exactly

    if asked.axes.count > 1:
        raise UsageError("--exact is for one model, GPU and release.")
    if asked.charted:
        raise UsageError("--exact answers for one length: leave it or --chart out.")
    output = asked.invocation.output
    name, choices = asked.model_name(), asked.choices(asked.axes)
    return say_one(asked, estimate_exactly(name, asked.settings, choices, output.note))
