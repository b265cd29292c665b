"""From a start-up to a measurement that later estimates of the same settings can use."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from mixvllm.errors import EstimateError
from mixvllm.memory.budget import requested_bytes
from mixvllm.memory.comparison import taken_bytes
from mixvllm.memory.kv.blocks import resolved_dtype
from mixvllm.memory.measured import Measurement, conditions_of
from mixvllm.memory.request import EstimateRequest, as_asked, serving_facts
from mixvllm.models.found import FoundModel
from mixvllm.sizes import GIB
from mixvllm.sizing.measurements import identity_of, keep
from mixvllm.vllm_internals.startup_log import StartupLog


def learn(
    found: FoundModel,
    revision: str | None,
    request: EstimateRequest,
    log: StartupLog,
    *,
    day: date,
) -> Path:
    """Keep what a start measured; the file it is in.

    Args:
        found: The model.
        revision: Which revision of it.
        request: The settings of the start.
        log: What it printed.
        day: When it was.

    Raises:
        EstimateError: it measured nothing that could be used again; the message says why.
        DirectoryError: the data directory cannot be written.
    """
    return keep(identity_of(found, revision), measured_by(found, request, log, day=day))


def measured_by(
    found: FoundModel, request: EstimateRequest, log: StartupLog, *, day: date
) -> Measurement:
    """What a start measured, and what it holds for.

    Raises:
        EstimateError: it measured nothing that could be used again; the message says why.
    """
    available = log.measured.get("available_gib")
    if request.platform == "cpu" or request.kv_cache_memory_bytes is not None:
        raise EstimateError("The size of the KV cache was given, so vLLM measured nothing.")
    if available is None:
        raise EstimateError("The log does not tell the memory of the KV cache.")
    if log.version is None:
        raise EstimateError("The log does not name the version of vLLM.")
    if request.gpu is None or request.gpu.name is None:
        raise EstimateError("The GPU is not known.", hint="Name it with --gpu NAME.")
    if request.data_parallel_size > 1:
        raise EstimateError("Several copies of the model share what was measured.")
    description = as_asked(found.description, request)
    serving = serving_facts(description, request)
    conditions = conditions_of(
        description,
        serving,
        request.gpu,
        quantization=request.quantization or description.quantization,
        kv_cache_dtype=resolved_dtype(description, serving),
        arguments=request.memory_arguments,
    )
    assert conditions is not None, "the GPU has a name"
    taken = taken_bytes(log.measured)
    if taken is None:
        share = requested_bytes(request.gpu.total_bytes, request.gpu_memory_utilization)
        taken = share - int(available * GIB)
    return Measurement(
        conditions=conditions,
        measured_at=day.isoformat(),
        vllm_version=log.version,
        taken_bytes=taken,
        weights_bytes=_bytes(log, "weights_gib"),
        cuda_graph_bytes=_bytes(log, "graphs_estimate_gib"),
    )


def _bytes(log: StartupLog, name: str) -> int | None:
    return int(log.measured[name] * GIB) if name in log.measured else None
