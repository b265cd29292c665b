"""What starts of a model measured here, in `estimate-kv`: taken into account, or forgotten."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mixvllm.cli.output import Output
from mixvllm.memory.request import EstimateRequest
from mixvllm.models.found import FoundModel
from mixvllm.sizing.measurements import directory, forget, identity_of, kept


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

    def taken_into(self, request: EstimateRequest, *, forgotten: bool) -> EstimateRequest:
        """The request with it, unless it is to be forgotten.

        Raises:
            DirectoryError: a file cannot be removed.
        """
        if forgotten:
            self._forget()
            return request
        if not directory().is_dir():
            return request
        known = kept(identity_of(self.found, self.revision))
        for path in known.damaged:
            self.output.warn(f"{path} is no measurement of this version; it is passed over.")
        return replace(request, measurements=known.measurements)

    def _forget(self) -> None:
        gone = forget(identity_of(self.found, self.revision))
        what = "measurement" if gone == 1 else "measurements"
        name = self.found.description.name
        removed = f"{gone} {what} of {name} removed."
        self.output.note(removed if gone else f"Nothing of {name} was measured here.")
