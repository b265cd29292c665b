"""`estimate-kv --exact`: the option, and the answer by vLLM's own planner."""

from __future__ import annotations

from typing import Annotated

import typer

from mixvllm.cli.invocation import Invocation
from mixvllm.errors import UsageError
from mixvllm.memory.answer import Estimate
from mixvllm.settings.resolve import require_model
from mixvllm.settings.schema import ServeConfig
from mixvllm.sizing.request import Choices

ExactOption = Annotated[
    bool,
    typer.Option(
        "--exact",
        help="Ask the planner of the installed vLLM: any architecture that it has, without weights "
        "and without a GPU. Needs the model's config.json and takes 10 to 60 seconds.",
    ),
]


def refuse_beside_exact(*, several: object, log: object, solve: object, chart: object) -> None:
    """Refuse what `--exact` does not answer; each is true where it is asked for.

    Raises:
        UsageError: one is.
    """
    if several:
        raise UsageError("--exact is for one model, GPU and release.")
    if log:
        raise UsageError("--exact does not read logs: leave it or --from-log out.")
    if chart:
        raise UsageError("--exact answers for one length: leave it or --chart out.")
    if solve:
        raise UsageError("--exact answers for given settings: leave it or --solve out.")


def exact_answer(invocation: Invocation, settings: ServeConfig, choices: Choices) -> Estimate:
    """The estimate by the installed vLLM, with words on stderr while it works.

    Raises:
        MixvllmError: vLLM is not there, or gives no answer.
    """
    # Not needed, and not imported, without --exact.
    from mixvllm.sizing.exact import estimate_exactly

    name = require_model(settings, "estimate-kv")
    return estimate_exactly(name, settings, choices, invocation.output.note)
