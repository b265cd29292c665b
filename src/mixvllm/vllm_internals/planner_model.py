"""A model built without memory (on the meta device), so that vLLM's layers tell their specs."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
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
    from vllm.v1.worker.gpu.attn_utils import get_kv_cache_spec

    stand_in_for_unused_libraries()
    start_process_group()
    with as_cuda(settings), tempfile.TemporaryDirectory() as directory:
        config = engine_config(directory, documents, settings)
        try:
            model = build(config, settings)
            weights = sum(each.numel() * each.element_size() for each in model.parameters())
        except Exception:
            if config.quant_config is None:
                raise
            config = without_quantization(config, directory, documents, settings)
            build(config, settings)
            weights = None
        choose_block_size(config, settings)
        specs = get_kv_cache_spec(config)
    stages = split_stages(specs, config, settings)
    return capacity(
        config, settings, stages, available, weights_bytes=weights, layout=layout_of(config)
    )


def layout_of(config: Any) -> str:
    """The first layout of a backend that takes block-outermost ones alone, else the usual."""
    for layer in config.compilation_config.static_forward_context.values():
        backend = getattr(layer, "get_attn_backend", None)
        layouts = backend().supported_kv_cache_layouts() if backend is not None else None
        if layouts and all(layout.is_block_outermost for layout in layouts):
            name: str = layouts[0].name
            return name
    return USUAL_LAYOUT


def build(config: Any, settings: PlannerSettings) -> Any:
    """The model's layers as on the first rank, without memory."""
    import torch
    from vllm.model_executor.model_loader.utils import initialize_model
    from vllm.utils.torch_utils import set_default_torch_dtype

    set_ranks(config, settings.tensor_parallel_size)
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
    return engine_config(directory, plain, replace(settings, kv_cache_dtype=kept))


def engine_config(directory: str, documents: dict[str, Any], settings: PlannerSettings) -> Any:
    """VLLM's own configuration, for one rank; the ranks are made up after it.

    Code that a checkpoint brings is not run: vLLM's own class is taken, if it has one.

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
        if own := {key: value for key, value in document.items() if key != "auto_map"}:
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


def set_ranks(config: Any, ranks: int) -> None:
    """Let layers be built as on the first of so many tensor-parallel ranks."""
    from vllm.distributed.parallel_state import get_tp_group

    config.parallel_config.tensor_parallel_size = ranks
    get_tp_group().world_size = ranks


def split_stages(
    specs: dict[str, Any], config: Any, settings: PlannerSettings
) -> list[dict[str, Any]]:
    """The specs of each pipeline stage, by vLLM's split of the layers."""
    from vllm.distributed.utils import get_pp_indices
    from vllm.model_executor.models.utils import extract_layer_index

    stages = settings.pipeline_parallel_size
    if stages == 1:
        return [specs]
    total = config.model_config.get_total_num_hidden_layers()
    bounds = [get_pp_indices(total, stage, stages) for stage in range(stages)]
    return [
        {name: spec for name, spec in specs.items() if first <= extract_layer_index(name) < end}
        for first, end in bounds
    ]
