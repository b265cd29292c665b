"""What starts on this machine measured, taken into an estimate."""

from __future__ import annotations

from dataclasses import replace

from mixvllm.memory.request import EstimateRequest
from mixvllm.models.found import FoundModel
from mixvllm.sizing.measurements import identity_of, kept


def with_measurements(
    request: EstimateRequest, found: FoundModel, revision: str | None
) -> EstimateRequest:
    """The request with what starts of this model measured here; nothing is where no GPU is known.

    A file that is no measurement is passed over, and a note of the request says so.
    """
    if request.gpu is None:
        return request
    known = kept(identity_of(found, revision))
    passed_over = (
        f"{path} is no measurement of this version; it is passed over." for path in known.damaged
    )
    notes = (*request.notes, *passed_over)
    return replace(request, measurements=known.measurements, notes=notes)
