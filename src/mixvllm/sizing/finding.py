"""What a check finds: one thing that does not go together, and what would."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mixvllm.error_codes import ErrorCode
from mixvllm.errors import Severity
from mixvllm.sizes import GIB

# A file is checked against its model without loading what estimates memory.
if TYPE_CHECKING:
    from mixvllm.gpus.device import Gpu as WholeGpu
    from mixvllm.gpus.device import MigSlice
    from mixvllm.memory.answer import Suggestion
    from mixvllm.memory.gpu_table import Gpu
    from mixvllm.memory.request import EstimateRequest
    from mixvllm.models.found import FoundModel
    from mixvllm.settings.schema import InferenceConfig, ServeConfig

MODEL = "model.name"
LENGTH = "inference.max_model_len"
TENSOR_PARALLEL = "inference.tensor_parallel_size"
PIPELINE = "inference.pipeline_parallel_size"
COPIES = "inference.data_parallel_size"
UTILIZATION = "inference.gpu_memory_utilization"
DTYPE = "inference.dtype"
QUANTIZATION = "inference.quantization"
KV_DTYPE = "inference.kv_cache_dtype"
SEQUENCES = "inference.max_num_seqs"
BATCH = "inference.max_num_batched_tokens"
CPU_POOL = "inference.cpu_kv_cache_gib"


@dataclass(frozen=True)
class Case:
    """What is checked: settings for a model, on hardware as far as it is known.

    Attributes:
        settings: The settings; they name the model.
        found: The model.
        request: Says what an estimate of them asks for, or why there can be none (EstimateError);
            None where the memory is not to be judged.
        gpu: The GPU, where one is known.
        gpu_count: How many such GPUs there are; None where nobody counted.
        memory: The memory of the machine, where the model is served from it.
        devices: The GPUs that a program started now would see, as they are now; empty where the
            memory that is free now does not matter.
        servers: Says which processes are servers of mixvllm, where somebody must be named.
        may_exceed_context: Whether the environment allows lengths beyond the model's own.
        environment: The variables that vLLM would see, where it is to be started here; None where
            that is not asked.
    """

    settings: ServeConfig
    found: FoundModel
    request: Callable[[], EstimateRequest] | None = None
    gpu: Gpu | None = None
    gpu_count: int | None = None
    memory: MachineMemory | None = None
    devices: tuple[WholeGpu | MigSlice, ...] = ()
    servers: Callable[[], Collection[int]] = tuple
    may_exceed_context: bool = False
    environment: Mapping[str, str] | None = None

    @property
    def asked(self) -> InferenceConfig:
        """What is asked of the engine."""
        return self.settings.inference

    @property
    def capability(self) -> tuple[int, int] | None:
        """NVIDIA's compute capability of the GPU; None where it has or tells none."""
        gpu = self.gpu
        if gpu is None or gpu.vendor not in (None, "NVIDIA") or gpu.compute_capability is None:
            return None
        major, _, minor = gpu.compute_capability.partition(".")
        return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else None


@dataclass(frozen=True)
class MachineMemory:
    """The memory of this machine, as far as this process may take it."""

    total_bytes: int
    available_bytes: int


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or may be.

    Attributes:
        keys: The settings that it hangs on, the one at fault first.
        message: What does not go together, with the numbers.
        severity: `error` where it is certain that vLLM will not start.
        advice: What to do, as a sentence.
        ways_out: Changes of the settings that help, computed, as flags, the best first.
        code: Its stable name; the manual has a section for each.
    """

    keys: tuple[str, ...]
    message: str
    severity: Severity = "error"
    advice: str | None = None
    ways_out: tuple[Suggestion, ...] = ()
    code: ErrorCode = field(kw_only=True)


def gpus_wanted(asked: InferenceConfig) -> int:
    """How many GPUs the settings take in all."""
    return asked.tensor_parallel_size * asked.pipeline_parallel_size * asked.data_parallel_size


def in_gib(size_bytes: int) -> str:
    """Bytes as `40.00 GiB`."""
    return f"{size_bytes / GIB:,.2f} GiB"
