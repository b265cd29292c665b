"""A model built without memory (on the meta device), so that vLLM's layers tell their specs."""

from __future__ import annotations

import copy
import importlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from mixvllm.vllm_internals.planner_capacity import (
    USUAL_LAYOUT,
    PlannerAnswer,
    PlannerSettings,
    capacity,
)
from mixvllm.vllm_internals.planner_platform import as_cuda, choose_block_size
from mixvllm.vllm_internals.planner_stand_ins import stand_in_for_unused_libraries


@dataclass(frozen=True)
class BuiltModel:
    """A model as its ranks hold it.

    Attributes:
        config: vLLM's configuration.
        stages: The cache specs of each pipeline stage, by layer name.
        layout: vLLM's name for the order of the pool's dimensions.
        weights_bytes: Bytes of the parameters on one rank of the heaviest stage; None where this
            build of vLLM has no kernels for such weights.
        parameters: Elements of all stages' parameters on one rank each; None likewise, and where
            several are packed in one element.
        unbuilt_reason: Why it could be built with plain weights alone, or None.
    """

    config: Any
    stages: tuple[dict[str, Any], ...]
    layout: str
    weights_bytes: int | None
    parameters: int | None
    unbuilt_reason: str | None = None


def plan_of_documents(
    documents: dict[str, Any], settings: PlannerSettings, available: int | Sequence[int]
) -> PlannerAnswer:
    """Build the model that a config.json describes and let vLLM plan for it.

    Args:
        documents: `config` and, if there is one, `hf_quant_config`.
        settings: How it is served.
        available: Bytes for the cache on one rank, or one number for each stage.

    Raises:
        ValueError: vLLM refuses the model or the settings.
    """
    model = built(documents, settings)
    return capacity(
        model.config,
        settings,
        model.stages,
        available,
        weights_bytes=model.weights_bytes,
        parameters=model.parameters,
        layout=model.layout,
    )


def built(
    documents: dict[str, Any], settings: PlannerSettings, code: Path | None = None
) -> BuiltModel:
    """Build a model's layers, stage by stage, without memory.

    Args:
        documents: `config` and, if there is one, `hf_quant_config`.
        settings: How it is served.
        code: Where the checkpoint's own code lies, which is run; None runs none.

    Raises:
        ValueError: vLLM refuses the model or the settings.
    """
    # Before the stand-ins: transformers compares the versions of the libraries that it finds.
    importlib.import_module("vllm.config")
    stand_in_for_unused_libraries()
    start_process_group()
    stages = [
        built_stage(documents, settings, code, stage)
        for stage in range(settings.pipeline_parallel_size)
    ]
    unbuilt = next((stage.unbuilt_reason for stage in stages if stage.unbuilt_reason), None)
    sizes = [stage.weights_bytes for stage in stages if stage.weights_bytes is not None]
    counts = [stage.parameters for stage in stages if stage.parameters is not None]
    return BuiltModel(
        stages[0].config,
        tuple(stage.stages[0] for stage in stages),
        stages[0].layout,
        max(sizes) if len(sizes) == len(stages) else None,
        sum(counts) if len(counts) == len(stages) else None,
        unbuilt,
    )


def built_stage(
    documents: dict[str, Any], settings: PlannerSettings, code: Path | None, stage: int
) -> BuiltModel:
    """One pipeline stage of it."""
    from vllm.v1.worker.gpu.attn_utils import get_kv_cache_spec

    reason = None
    with as_cuda(settings), tempfile.TemporaryDirectory() as directory:
        copy_code(code, directory)
        config = engine_config(directory, documents, settings)
        try:
            model = build(config, settings, stage)
            tensors = list(model.parameters())
        except Exception as error:
            if config.quant_config is None:
                raise
            reason = f"{type(error).__name__}: {error}"
            config = without_quantization(config, directory, documents, settings)
            build(config, settings, stage)
            tensors = []
        choose_block_size(config, settings)
        specs = get_kv_cache_spec(config)
    if reason is not None:
        return BuiltModel(config, (specs,), layout_of(config), None, None, reason)
    weights = sum(each.numel() * each.element_size() for each in tensors)
    packed = config.quant_config is not None
    parameters = None if packed else sum(each.numel() for each in tensors)
    return BuiltModel(config, (specs,), layout_of(config), weights, parameters)


def layout_of(config: Any) -> str:
    """The first layout of a backend that takes block-outermost ones alone, else the usual."""
    for layer in config.compilation_config.static_forward_context.values():
        backend = getattr(layer, "get_attn_backend", None)
        layouts = backend().supported_kv_cache_layouts() if backend is not None else None
        if layouts and all(layout.is_block_outermost for layout in layouts):
            name: str = layouts[0].name
            return name
    return USUAL_LAYOUT


def copy_code(code: Path | None, directory: str) -> None:
    """Put the checkpoint's own code beside its documents."""
    for file in code.glob("*.py") if code is not None else ():
        shutil.copy(file, directory)


def build(config: Any, settings: PlannerSettings, stage: int) -> Any:
    """The model's layers as on the first rank of a stage, without memory."""
    import torch
    from vllm.model_executor.model_loader.utils import initialize_model
    from vllm.utils.torch_utils import set_default_torch_dtype

    set_ranks(config, settings, stage)
    with torch.device("meta"), set_default_torch_dtype(config.model_config.dtype):
        return initialize_model(config)


def without_quantization(
    config: Any, directory: str, documents: dict[str, Any], settings: PlannerSettings
) -> Any:
    """The configuration of the same model with plain weights, its cache's format kept.

    A CPU has no kernels for many quantised weights; the cache does not depend on them.
    """
    kept = config.cache_config.cache_dtype
    if kept == "auto" and getattr(config.quant_config, "kv_cache_scheme", None):
        kept = "fp8"
    document = copy.deepcopy(documents["config"])
    for part in (document, document.get("text_config") or {}):
        for name in ("quantization_config", "compression_config"):
            part.pop(name, None)
    plain = {"config": document, "hf_quant_config": {}}
    unquantized = replace(settings, kv_cache_dtype=kept, quantization=None)
    return engine_config(directory, plain, unquantized)


def engine_config(directory: str, documents: dict[str, Any], settings: PlannerSettings) -> Any:
    """VLLM's own configuration, for one rank; the ranks are made up after it.

    Code that a checkpoint brings is not run unless it is trusted: vLLM's own class is taken, if it
    has one.

    Args:
        directory: Where the documents are written; it must outlive the model.
        documents: The documents by name; an empty one takes away what was there.
        settings: How it is served.
    """
    from vllm.engine.arg_utils import EngineArgs
    from vllm.usage.usage_lib import UsageContext

    for name, document in documents.items():
        path = Path(directory, f"{name}.json")
        path.unlink(missing_ok=True)
        own = dict(document)
        if not settings.trust_remote_code:
            own.pop("auto_map", None)
        if own:
            path.write_text(json.dumps(own), encoding="utf-8")
    options: dict[str, Any] = {"block_size": settings.block_size} if settings.block_size else {}
    if settings.hybrid_manager is not None:
        options["disable_hybrid_kv_cache_manager"] = not settings.hybrid_manager
    arguments = EngineArgs(
        model=directory,
        load_format="dummy",
        enforce_eager=True,
        skip_tokenizer_init=True,
        max_model_len=settings.max_model_len,
        dtype=settings.dtype,
        quantization=settings.quantization,
        trust_remote_code=settings.trust_remote_code,
        max_num_batched_tokens=settings.max_num_batched_tokens,
        max_num_seqs=min(settings.max_num_seqs, settings.max_num_batched_tokens),
        kv_cache_dtype=settings.kv_cache_dtype,
        mamba_cache_dtype=settings.mamba_cache_dtype,
        mamba_ssm_cache_dtype=settings.mamba_ssm_cache_dtype,
        enable_prefix_caching=settings.enable_prefix_caching,
        **options,
    )
    return arguments.create_engine_config(UsageContext.OPENAI_API_SERVER)


@cache
def start_process_group() -> None:
    """The groups of one process that layers ask for their rank; expert parallelism included."""
    import torch
    from vllm.config import VllmConfig, set_current_vllm_config
    from vllm.distributed.parallel_state import (
        ensure_model_parallel_initialized,
        init_distributed_environment,
    )
    from vllm.v1.worker.workspace import init_workspace_manager

    meeting = Path(tempfile.mkdtemp(), "group")
    init_workspace_manager(torch.device("meta"))
    # Without a model in the configuration vLLM makes every group, that of experts too.
    with set_current_vllm_config(VllmConfig()):
        init_distributed_environment(1, 0, f"file://{meeting}", 0, "gloo")
        ensure_model_parallel_initialized(1, 1)


def set_ranks(config: Any, settings: PlannerSettings, stage: int) -> None:
    """Let layers be built as on the first tensor-parallel rank of a pipeline stage.

    Raises:
        ValueError: vLLM cannot divide this model so.
    """
    from vllm.distributed.parallel_state import get_pp_group, get_tp_group

    parallel, stages = config.parallel_config, settings.pipeline_parallel_size
    parallel.tensor_parallel_size = settings.tensor_parallel_size
    parallel.pipeline_parallel_size = stages
    config.model_config.verify_with_parallel_config(parallel)
    get_tp_group().world_size = settings.tensor_parallel_size
    group = get_pp_group()
    group.world_size, group.ranks = stages, list(range(stages))
    group.rank = group.rank_in_group = stage
