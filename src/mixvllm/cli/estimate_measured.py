"""What starts measured, in `estimate-kv`: read from a log, taken, left out, or forgotten."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from mixvllm.cli.output import Output
from mixvllm.memory.request import EstimateRequest
from mixvllm.models.found import FoundModel
from mixvllm.sizing.measurements import directory, forget, identity_of, kept

FromLogOption = Annotated[
    str | None,
    typer.Option(
        "--from-log",
        metavar="FILE",
        help="Compare with what vLLM printed when it started: its log, or - for stdin.",
    ),
]
SaveOption = Annotated[
    bool,
    typer.Option(
        "--save", help="With --from-log: keep what was measured, for later estimates of the same."
    ),
]
MeasuredOption = Annotated[
    bool,
    typer.Option(
        "--measured/--no-measured",
        help="Take what a start of this model measured here, where it holds for the settings.",
    ),
]
ForgetOption = Annotated[
    bool, typer.Option("--forget-measured", help="Remove what was measured here of this model.")
]


def with_measured(
    output: Output, request: EstimateRequest, found: FoundModel, revision: str | None
) -> EstimateRequest:
    """The request with what was measured here of its model."""
    if request.gpu is None or not directory().is_dir():
        return request
    known = kept(identity_of(found, revision))
    for path in known.damaged:
        output.warn(f"{path} is no measurement of this version; it is passed over.")
    return replace(request, measurements=known.measurements)


def forget_measured(output: Output, found: FoundModel, revision: str | None) -> None:
    """Remove what was measured here of a model, and say so.

    Raises:
        DirectoryError: a file cannot be removed.
    """
    gone = forget(identity_of(found, revision))
    what = "measurement" if gone == 1 else "measurements"
    output.note(f"{gone or 'No'} {what} of {found.description.name} removed.")
