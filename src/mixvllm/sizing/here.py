"""Planning for the GPUs of this machine where none is named."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mixvllm.gpus.signs import any_sign
from mixvllm.memory.request import EstimateRequest
from mixvllm.sizes import GIB

if TYPE_CHECKING:
    from mixvllm.sizing.present import PresentGpus


def planned_here(request: EstimateRequest, present: PresentGpus | None = None) -> EstimateRequest:
    """The request for the GPUs that vLLM would take here, and a note that says which.

    A request that names a GPU stays as it is, and so does one on a machine without any.

    Args:
        request: What is asked for.
        present: The GPUs of this machine; looked for when left out.
    """
    if request.gpu is not None or (present is None and not any_sign()):
        return request
    # Most machines that plan have no GPU, and do without what reads them.
    from mixvllm.sizing.present import present_gpus

    here = present_gpus() if present is None else present
    taken = (
        request.tensor_parallel_size * request.pipeline_parallel_size * request.data_parallel_size
    )
    gpu = here.to_plan_for(taken)
    if gpu is None:
        return request
    count = len(here.gpus)
    note = f"Planned for {gpu.name or 'a GPU'} with {gpu.total_bytes / GIB:.2f} GiB, "
    note += "the GPU of this machine" if count == 1 else f"of the {count} GPUs of this machine"
    note += _smallest_of(here, min(taken, count))
    notes = [*request.notes, f"{note}; --gpu names another."]
    if taken > count:
        here_are = "1 is" if count == 1 else f"{count} are"
        notes.append(f"The settings take {taken} GPUs, and {here_are} here.")
    return replace(request, gpu=gpu, gpu_is_present=True, notes=tuple(notes))


def _smallest_of(here: PresentGpus, taken: int) -> str:
    """That the others which are taken are larger, where they are."""
    sizes = {present.gpu.total_bytes for present in here.gpus[:taken] if present.gpu is not None}
    return f", the smallest of the first {taken}" if len(sizes) > 1 else ""
