"""What starts measured, in `estimate-kv`: read from a log, taken, left out, or forgotten."""

from __future__ import annotations

from dataclasses import dataclass, replace
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


@dataclass(frozen=True)
class Measured:
    """What starts of one model measured on this machine.

    Attributes:
        output: Where it is said.
        found: The model.
        revision: Which revision of it.
    """

    output: Output
    found: FoundModel
    revision: str | None

    def taken_into(
        self, request: EstimateRequest, *, wanted: bool, forgotten: bool
    ) -> EstimateRequest:
        """The request with it, unless it is not wanted or to be forgotten.

        Raises:
            DirectoryError: a file cannot be removed.
        """
        if forgotten:
            self._forget()
            return request
        if not wanted or request.gpu is None or not directory().is_dir():
            return request
        known = kept(identity_of(self.found, self.revision))
        for path in known.damaged:
            self.output.warn(f"{path} is no measurement of this version; it is passed over.")
        return replace(request, measurements=known.measurements)

    def _forget(self) -> None:
        gone = forget(identity_of(self.found, self.revision))
        what = "measurement" if gone == 1 else "measurements"
        self.output.note(f"{gone or 'No'} {what} of {self.found.description.name} removed.")
