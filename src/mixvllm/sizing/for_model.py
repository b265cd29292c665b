"""What a model that was found adds to what is asked of it: measured starts, and notes."""

from __future__ import annotations

from dataclasses import replace

from mixvllm.memory.request import EstimateRequest
from mixvllm.models.found import FoundModel
from mixvllm.sizing.measurements import identity_of, kept
from mixvllm.vllm_internals.plugins import PLUGINS, PLUGINS_SINCE, state_of


def for_model(
    request: EstimateRequest, found: FoundModel, revision: str | None, *, measured: bool
) -> EstimateRequest:
    """The request with what is to be said of this model, and with what its starts measured here.

    Args:
        request: What is asked.
        found: The model.
        revision: Which revision of it.
        measured: Whether what was measured counts.
    """
    request = _with_plugin(request, found)
    return with_measurements(request, found, revision) if measured else request


def _with_plugin(request: EstimateRequest, found: FoundModel) -> EstimateRequest:
    """Note the plugin that vLLM serves it with, where that is not installed here.

    The variables of whoever serves it may keep it out, too; those are asked when it is served.
    """
    plugin = PLUGINS.get(request.quantization or found.description.quantization or "")
    if plugin is None or request.rules.version < PLUGINS_SINCE or state_of(plugin, {}) == "loaded":
        return request
    note = f"vLLM serves {plugin.method} by a plugin only: {plugin.installation}."
    return replace(request, notes=(*request.notes, note))


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
