"""What an estimate is asked for, and how that model would be served."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from mixvllm.errors import EstimateError
from mixvllm.memory.alike import named_alike
from mixvllm.memory.defaults import (
    api_server_limits,
    cpu_server_limits,
    default_length,
    mxfp4_steps,
    settled_limits,
)
from mixvllm.memory.gpu_table import Gpu
from mixvllm.memory.measured import Measurement
from mixvllm.memory.rules import NEWEST, RELEASES, Rules
from mixvllm.memory.serving import Platform, ServingFacts
from mixvllm.models.description import ModelDescription

LONGER_VARIABLE = "VLLM_ALLOW_LONG_MAX_MODEL_LEN"


@dataclass(frozen=True)
class Load:
    """The average request of a real load."""

    prompt_tokens: int
    output_tokens: int

    @property
    def tokens(self) -> int:
        """What it holds when its last token is written."""
        return self.prompt_tokens + self.output_tokens


@dataclass(frozen=True)
class EstimateRequest:
    """The settings of an estimate; None is vLLM's own choice.

    Attributes:
        max_model_len: Tokens of the longest request; `auto` takes the longest that fits.
        quantization: A method to assume instead of the checkpoint's.
        gpu: The GPU to plan for, or None.
        kv_cache_memory_bytes: The pool on each GPU, or None where it is not known.
        measurements: What starts of this model measured on this machine, the newest first; the
            first that holds for the settings is taken in place of the estimated overheads.
        memory_arguments: Arguments of vLLM whose effect is not modelled and small, as one text: a
            measurement holds only where they are the same.
        may_exceed_context: Whether lengths beyond the model's own are allowed.
        data_parallel_size: Copies of the model; the numbers are those of one.
        platform: The build of vLLM that serves it.
        backend_block_size: The block of its attention backend, where that is not the usual one.
        rules: The release of vLLM that is modelled.
        vllm_version: How it was named, or None for the name of the rules.
        gpu_is_present: Whether the GPU was found here instead of being named.
        notes: What was decided for the user, to be said with the answer.
        concurrency: Requests that must run at once, of the load or else of full length; None
            asks for nothing beyond vLLM's start.
        load: The average request, or None.
    """

    max_model_len: int | Literal["auto"] | None = None
    dtype: str = "auto"
    kv_cache_dtype: str = "auto"
    quantization: str | None = None
    tensor_parallel_size: int = 1
    pipeline_parallel_size: int = 1
    data_parallel_size: int = 1
    decode_context_parallel_size: int = 1
    gpu_memory_utilization: float = 0.9
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    block_size: int | None = None
    enforce_eager: bool = False
    enable_prefix_caching: bool = True
    async_scheduling: bool = True
    pooling: bool = False
    disable_hybrid_kv_cache_manager: bool | None = None
    mamba_cache_dtype: str = "auto"
    mamba_ssm_cache_dtype: str = "auto"
    gpu: Gpu | None = None
    kv_cache_memory_bytes: int | None = None
    measurements: tuple[Measurement, ...] = ()
    memory_arguments: str = ""
    may_exceed_context: bool = False
    platform: Platform = "cuda"
    backend_block_size: int | None = None
    rules: Rules = field(default=RELEASES[NEWEST])
    vllm_version: str | None = None
    gpu_is_present: bool = False
    notes: tuple[str, ...] = ()
    concurrency: int | None = None
    load: Load | None = None


def as_asked(description: ModelDescription, request: EstimateRequest) -> ModelDescription:
    """The model in the number format that is asked for."""
    if request.dtype == "auto":
        return description
    return replace(description, dtype=request.dtype)


def serving_facts(description: ModelDescription, request: EstimateRequest) -> ServingFacts:
    """How vLLM would serve this model: defaults filled in, a length of `auto` at its longest.

    Raises:
        EstimateError: the length is above the model's, or the limits contradict each other.
    """
    length = _longest_length(description, request)
    ranks = request.tensor_parallel_size * request.pipeline_parallel_size
    on_cpu = request.platform == "cpu"
    limits = settled_limits(
        cpu_server_limits(ranks) if on_cpu else api_server_limits(request.gpu, request.rules),
        length,
        max_num_batched_tokens=request.max_num_batched_tokens,
        max_num_seqs=request.max_num_seqs,
    )
    without_manager = request.disable_hybrid_kv_cache_manager
    settled = {
        "max_model_len": length,
        "max_num_batched_tokens": limits.max_num_batched_tokens,
        "max_num_seqs": limits.max_num_seqs,
        "hybrid_manager": None if without_manager is None else not without_manager,
        "full_cuda_graphs": not request.enforce_eager,
        "mxfp4_steps": mxfp4_steps(request.gpu),
    }
    return ServingFacts(**named_alike(ServingFacts, request) | settled)


def _longest_length(description: ModelDescription, request: EstimateRequest) -> int:
    asked, limit = request.max_model_len, description.context_length
    if not isinstance(asked, int):
        return default_length(description)
    if limit is not None and asked > limit and not request.may_exceed_context:
        raise EstimateError(
            f"max_model_len ({asked:,}) is above the {limit:,} tokens that {description.name} "
            "allows.",
            hint=f"Set --max-model-len to at most {limit}; {LONGER_VARIABLE}=1 overrides the "
            "limit, and answers beyond it may be nonsense.",
            code="context-too-long",
        )
    return asked
