"""What vLLM uses beside weights and cache: formulas for the peak, calibrated terms for the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mixvllm.memory.gpu_table import Gpu
from mixvllm.memory.serving import ServingFacts
from mixvllm.models.description import LatentAttention, ModelDescription

Part = Literal["activation", "cuda_graph", "other"]
# The release whose sampler needs less, and with which ranks of Hopper and of data-centre Blackwell
# keep 2 GiB for their all-reduce; the next one keeps more on a single GPU.
LEAN_SAMPLER_SINCE = (0, 17)
SINGLE_GPU_SINCE = (0, 18)
ALL_REDUCE_CAPABILITIES = ("9.", "10.")
SAMPLER_BYTES = 15.4
EARLIER_SAMPLER_BYTES = 39.0
# Widths of hidden size that a layer's MLP (gate, up and their product, at the usual 3.5 times the
# hidden size) and its residual stream keep for each token.
MLP_WIDTHS = 10.5
RESIDUAL_WIDTHS = 4
ACTIVATION_BYTES = 2
# Sequences from which every size of CUDA graph is captured.
ALL_GRAPHS = 512
# Encoders that take pictures at their own resolution are profiled with as much as a request holds.
ANY_RESOLUTION = ("Qwen2VL", "Qwen2_5_VL", "Qwen3VL", "Qwen3_5")
TOKENS_PER_ENCODER_UNIT = 65536


@dataclass(frozen=True)
class Term:
    """A calibrated term: its constant is looked up by `name` and multiplied by `scale`."""

    name: str
    part: Part
    scale: float = 1.0


def sampler_bytes(model: ModelDescription, serving: ServingFacts) -> int:
    """Peak of the sampler: `max_num_seqs x vocabulary x c`.

    The profile run samples for every sequence; logits, their float32 copy, sorted copies and
    probabilities are alive together: c is 39 bytes up to 0.16 and 15.4 since.
    """
    lean = serving.rules.version >= LEAN_SAMPLER_SINCE
    each = SAMPLER_BYTES if lean else EARLIER_SAMPLER_BYTES
    return int(serving.max_num_seqs * model.vocab_size * each)


def forward_bytes(model: ModelDescription, serving: ServingFacts) -> int:
    """Peak of one batch through a layer: `tokens x hidden x (10.5 / TP + 4) x 2 bytes`."""
    widths = MLP_WIDTHS / serving.tensor_parallel_size + RESIDUAL_WIDTHS
    return int(serving.max_num_batched_tokens * model.hidden_size * widths * ACTIVATION_BYTES)


def peak_bytes(model: ModelDescription, serving: ServingFacts) -> int:
    """The larger of the two: the batch is gone when the sampler runs. Pooling has no sampler."""
    if serving.pooling:
        return forward_bytes(model, serving)
    return max(sampler_bytes(model, serving), forward_bytes(model, serving))


def overhead_terms(
    model: ModelDescription, serving: ServingFacts, gpu: Gpu, *, text_only: bool = False
) -> tuple[Term, ...]:
    """The calibrated terms that apply, by era of vLLM, maker of the GPU and number of ranks."""
    era = "0.17" if serving.rules.version >= LEAN_SAMPLER_SINCE else "0.10"
    terms = [Term(_non_torch(serving, gpu), "other")]
    if model.is_moe:
        terms.append(Term(f"expert workspace since {era}", "activation"))
    if any(isinstance(layer, LatentAttention) for layer in model.layers):
        terms.append(Term(f"latent attention workspace since {era}", "activation"))
    if model.is_multimodal and not text_only:
        terms.append(_encoder(model, serving))
    if gpu.has_unified_memory:
        terms.append(Term("unified memory", "other"))
    if serving.rules.charges_cuda_graphs and serving.full_cuda_graphs:
        several = "TP2" if serving.tensor_parallel_size > 1 else "TP1"
        captured = min(1.0, (serving.max_num_seqs + 32) / ALL_GRAPHS)
        terms.append(Term(f"CUDA graphs {several}", "cuda_graph", captured))
    return tuple(terms)


def _non_torch(serving: ServingFacts, gpu: Gpu) -> str:
    """Context, communication buffers and what the driver keeps."""
    ranks, version = serving.tensor_parallel_size, serving.rules.version
    number = 1 if ranks == 1 else 2 if ranks < 8 else 8
    if gpu.vendor == "AMD":
        era = "0.17" if version >= LEAN_SAMPLER_SINCE else "0.10"
        return f"non-torch ROCm TP{number} since {era}"
    if ranks == 1:
        return f"non-torch CUDA TP1 since {'0.18' if version >= SINGLE_GPU_SINCE else '0.10'}"
    # A size without a name is taken for a Hopper.
    reduces = (gpu.compute_capability or "9.0").startswith(ALL_REDUCE_CAPABILITIES)
    era = "0.17" if reduces and version >= LEAN_SAMPLER_SINCE else "0.10"
    return f"non-torch CUDA TP{number} since {era}"


def _encoder(model: ModelDescription, serving: ServingFacts) -> Term:
    if not model.architecture.startswith(ANY_RESOLUTION):
        return Term("encoder of fixed resolution", "activation")
    tokens = max(serving.max_model_len, serving.max_num_batched_tokens)
    scale = min(1.0, tokens / TOKENS_PER_ENCODER_UNIT)
    return Term("encoder of any resolution", "activation", scale)
