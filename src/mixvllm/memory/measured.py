"""What a start-up measured, and for which settings it holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mixvllm.memory.budget import Band, Budget, requested_bytes
from mixvllm.memory.gpu_table import Gpu
from mixvllm.memory.overheads import ANY_RESOLUTION
from mixvllm.memory.serving import ServingFacts
from mixvllm.models.description import ModelDescription
from mixvllm.sizes import GIB

# The same start repeats within 0.02 GiB, and logs round to 0.01.
REPEATS_WITHIN = int(0.02 * GIB)
# A GPU's memory is read with this accuracy: drivers differ by some MiB.
SAME_MEMORY = 0.01


@dataclass(frozen=True)
class Conditions:
    """What moves the memory that vLLM takes beside the cache.

    Neither the length, nor how much of the GPU it is given, nor how many requests fit is among
    them: these divide what is left. Where an encoder is profiled with as much as a request holds,
    the length counts as well.

    Attributes:
        max_model_len: The length where it counts, else None.
        arguments: Other arguments of vLLM that move the memory.
    """

    release: str
    gpu_name: str
    gpu_total_bytes: int
    dtype: str
    kv_cache_dtype: str
    quantization: str | None
    tensor_parallel_size: int
    pipeline_parallel_size: int
    decode_context_parallel_size: int
    max_num_batched_tokens: int
    max_num_seqs: int
    enforce_eager: bool
    max_model_len: int | None = None
    arguments: str = ""

    def hold_for(self, other: Conditions) -> bool:
        """Whether what was measured under these is to be expected under the others."""
        differs = abs(self.gpu_total_bytes - other.gpu_total_bytes)
        return differs <= SAME_MEMORY * self.gpu_total_bytes and (
            self.without_size() == other.without_size()
        )

    def without_size(self) -> tuple[object, ...]:
        """All but the memory of the GPU, which is never read alike."""
        fields = {**vars(self), "gpu_total_bytes": None}
        return tuple(fields.values())


@dataclass(frozen=True)
class Measurement:
    """One start-up's figures, those of its most loaded GPU.

    Attributes:
        conditions: What it holds for.
        measured_at: The day, as `2026-11-22`.
        vllm_version: The exact release.
        taken_bytes: All that vLLM took of its share beside the cache, weights included.
        weights_bytes: The weights; None where the log does not say.
        cuda_graph_bytes: What was set aside for CUDA graphs, of it; None where it does not say.
    """

    conditions: Conditions
    measured_at: str
    vllm_version: str
    taken_bytes: int
    weights_bytes: int | None = None
    cuda_graph_bytes: int | None = None

    def budget(self, gpu: Gpu, utilization: float, weights_bytes: int) -> Budget:
        """The memory of the GPU under these figures.

        What was not measured apart is in the activations.

        Args:
            gpu: The GPU.
            utilization: `--gpu-memory-utilization`.
            weights_bytes: The weights as computed, where they were not measured apart.
        """
        weights = self.weights_bytes or weights_bytes
        graphs = self.cuda_graph_bytes or 0
        requested = requested_bytes(gpu.total_bytes, utilization)
        left = requested - self.taken_bytes
        return Budget(
            requested_bytes=requested,
            weights_bytes=weights,
            activation=_exactly(max(0, self.taken_bytes - weights - graphs)),
            cuda_graph=_exactly(graphs),
            other=_exactly(0),
            kv_cache=Band(left - REPEATS_WITHIN, left, left + REPEATS_WITHIN),
        )


def conditions_of(
    description: ModelDescription,
    serving: ServingFacts,
    gpu: Gpu,
    *,
    quantization: str | None,
    kv_cache_dtype: str,
    arguments: str = "",
) -> Conditions | None:
    """The conditions of a start; None on a GPU without a name, which could be any of its size.

    Args:
        description: The model in the number format it is served in.
        serving: The settings, defaults filled in.
        gpu: The GPU.
        quantization: The method in effect.
        kv_cache_dtype: The format of the cache, resolved.
        arguments: Other arguments of vLLM that move the memory.
    """
    if gpu.name is None:
        return None
    encoder_follows = description.architecture.startswith(ANY_RESOLUTION)
    return Conditions(
        release=serving.rules.name,
        gpu_name=gpu.name,
        gpu_total_bytes=gpu.total_bytes,
        dtype=description.dtype,
        kv_cache_dtype=kv_cache_dtype,
        quantization=quantization,
        tensor_parallel_size=serving.tensor_parallel_size,
        pipeline_parallel_size=serving.pipeline_parallel_size,
        decode_context_parallel_size=serving.decode_context_parallel_size,
        max_num_batched_tokens=serving.max_num_batched_tokens,
        max_num_seqs=serving.max_num_seqs,
        enforce_eager=not serving.full_cuda_graphs,
        max_model_len=serving.max_model_len if encoder_follows else None,
        arguments=arguments,
    )


def that_holds(
    measurements: Iterable[Measurement], conditions: Conditions | None
) -> Measurement | None:
    """The first of the measurements that holds under these conditions."""
    if conditions is None:
        return None
    return next((each for each in measurements if each.conditions.hold_for(conditions)), None)


def _exactly(size_bytes: int) -> Band:
    return Band(size_bytes, size_bytes, size_bytes)
