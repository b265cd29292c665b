"""What `mixvllm estimate-kv` is asked beside whether one request fits: options and their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mixvllm.errors import UsageError
from mixvllm.memory.unknowns import UNKNOWNS

if TYPE_CHECKING:
    from mixvllm.memory.request import Load

PANEL = "Questions"

ConcurrencyOption = Annotated[
    str | None,
    typer.Option(
        "--concurrency",
        metavar="N",
        help="Ask whether N requests run at once: of full length, or of --prompt and --output.",
        rich_help_panel=PANEL,
    ),
]
PromptOption = Annotated[
    str | None,
    typer.Option(
        "--prompt",
        metavar="TOKENS",
        help="Tokens of the average prompt (2k), to tell how many such requests run at once.",
        rich_help_panel=PANEL,
    ),
]
OutputOption = Annotated[
    str | None,
    typer.Option(
        "--output",
        metavar="TOKENS",
        help="Tokens of the average answer, with --prompt.",
        rich_help_panel=PANEL,
    ),
]

SolveOption = Annotated[
    str | None,
    typer.Option(
        "--solve",
        metavar="|".join(UNKNOWNS),
        help="Find what does: the longest context, the most requests, the fewest GPUs, the "
        "smallest GPU, the quantization, or the models of the catalogue.",
        rich_help_panel=PANEL,
        autocompletion=lambda: list(UNKNOWNS),
    ),
]

ChartOption = Annotated[
    bool,
    typer.Option(
        "--chart",
        help="Draw how a request's cache, and the requests at once, change with the context.",
        rich_help_panel=PANEL,
    ),
]


def asked_concurrency(text: str | None) -> int | None:
    """The number of requests that `--concurrency` asks for.

    Raises:
        UsageError: it is no number above 0.
    """
    return None if text is None else _count("--concurrency", text, "requests")


def asked_load(prompt: str | None, output: str | None) -> Load | None:
    """The average request of `--prompt` and `--output`; None where neither is given.

    Raises:
        UsageError: one is missing, or no number of tokens.
    """
    if prompt is None and output is None:
        return None
    if prompt is None or output is None:
        given, missing = ("--prompt", "--output") if output is None else ("--output", "--prompt")
        raise UsageError(
            f"{given} is given without {missing}.",
            hint="A request has a prompt and an answer: --prompt 2k --output 500.",
        )
    from mixvllm.memory.request import Load  # not for `--help` and a Tab

    return Load(_count("--prompt", prompt, "tokens"), _count("--output", output, "tokens"))


def _count(option: str, text: str, what: str) -> int:
    """A number above 0, as settings are written: `32k` are thousands and `32K` 1024s."""
    from mixvllm.settings.declaration import token_count

    try:
        number = int(token_count(text.strip()))
    except (ValueError, OverflowError):
        number = 0
    if number < 1:
        raise UsageError(
            f"{option}: {text!r} is no number of {what}.",
            hint="Write a whole number from 1 on: 500, 32k (32,000) or 32K (32,768).",
        )
    return number
