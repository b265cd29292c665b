"""What `serve` will report as its KV cache, estimated with its own settings before it loads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mixvllm.memory.answer import Estimate
from mixvllm.memory.estimate import estimate
from mixvllm.memory.gpu_table import Gpu
from mixvllm.memory.kv.blocks import is_latent
from mixvllm.memory.request import EstimateRequest
from mixvllm.models.description import ModelDescription
from mixvllm.models.find import find_model
from mixvllm.models.found import FoundModel
from mixvllm.settings.schema import ServeConfig
from mixvllm.sizes import GIB
from mixvllm.sizing.for_model import with_measurements
from mixvllm.sizing.present import present_gpus
from mixvllm.sizing.request import MEMORY_ARGUMENT, Choices, estimate_request
from mixvllm.vllm_internals.installed import InstalledEngine

CPU_INFO = Path("/proc/cpuinfo")
# The kernel for MLA of CPUs without AMX takes blocks of this size alone, whatever is asked.
CPU_LATENT_BLOCK = 16


def served_model(settings: ServeConfig) -> FoundModel:
    """The model that the settings name, from this machine or the catalogue, never the network.

    Raises:
        ModelError: neither has it, or what is there cannot be read.
    """
    assert settings.model.name is not None
    return find_model(settings.model.name, revision=settings.model.revision, may_ask_the_hub=False)


def served_gpu(settings: ServeConfig, engine: InstalledEngine) -> Gpu | None:
    """The GPU of this machine that a server with these settings plans for; None on a CPU."""
    if engine.build == "cpu":
        return None
    inference = settings.inference
    count = inference.tensor_parallel_size * inference.pipeline_parallel_size
    return present_gpus().to_plan_for(count)


def served_estimate(
    settings: ServeConfig,
    engine: InstalledEngine,
    *,
    gpu: Gpu | None = None,
    found: FoundModel | None = None,
) -> Estimate:
    """The estimate for a server with these settings.

    Args:
        settings: The settings, with a model name.
        engine: The vLLM that serves; a CPU build has rules of its own.
        gpu: The GPU that it will use, where one is known.
        found: The model, where it is at hand.

    Raises:
        ModelError: the model is not on this machine and not in the catalogue.
        EstimateError: vLLM would refuse the settings, or what they ask for is not modelled.
    """
    found = found or served_model(settings)
    request = served_request(settings, engine, found.description, gpu=gpu)
    request = with_measurements(request, found, settings.model.revision)
    return estimate(found.description, found.weights, found.source, request)


def served_request(
    settings: ServeConfig,
    engine: InstalledEngine,
    description: ModelDescription,
    *,
    gpu: Gpu | None = None,
) -> EstimateRequest:
    """What an estimate is asked for so that it is this server's.

    Raises:
        EstimateError: an argument of vLLM's that is not modelled, or not of its type.
    """
    request = replace(estimate_request(settings, Choices()), vllm_version=engine.version)
    if engine.build == "cpu":
        return cpu_request(request, settings, description)
    return replace(request, gpu=gpu)


def cpu_request(
    request: EstimateRequest, settings: ServeConfig, description: ModelDescription
) -> EstimateRequest:
    """The same for the CPU build: a cache of `cpu_kv_cache_gib`, and blocks of its own sizes."""
    pool = request.kv_cache_memory_bytes
    if settings.vllm.get(MEMORY_ARGUMENT) is None:
        pool = int(settings.inference.cpu_kv_cache_gib * GIB)
    request = replace(request, platform="cpu", gpu=None, kv_cache_memory_bytes=pool)
    if is_latent(description) and not has_matrix_tiles():
        request = replace(
            request,
            block_size=None,
            backend_block_size=CPU_LATENT_BLOCK,
            enable_prefix_caching=False,
        )
    return request


def has_matrix_tiles() -> bool:
    """Whether this CPU has AMX, as the kernel says; False where it says nothing."""
    try:
        return "amx_tile" in CPU_INFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
