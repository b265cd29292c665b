"""`estimate-kv --exact`: the option, and the answer by vLLM's own planner."""

from __future__ import annotations

from typing import Annotated

import typer

from mixvllm.cli.invocation import Invocation
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


def exact_answer(invocation: Invocation, settings: ServeConfig, choices: Choices) -> Estimate:
    """The estimate by the installed vLLM, with words on stderr while it works.

    Raises:
        MixvllmError: vLLM is not there, or gives no answer.
    """
    # Not needed, and not imported, without --exact.
    from mixvllm.sizing.exact import estimate_exactly

    name = require_model(settings, "estimate-kv")
    return estimate_exactly(name, settings, choices, invocation.output.note)
