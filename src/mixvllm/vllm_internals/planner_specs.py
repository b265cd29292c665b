"""Cache specs made by hand, for layers that the CPU build cannot construct."""

from __future__ import annotations

import tempfile
from typing import Any

from mixvllm.vllm_internals import planner_model
from mixvllm.vllm_internals.planner_capacity import PlannerSettings

# Any model would do: with specs by hand only the settings beside it count.
PLAIN_MODEL = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "num_hidden_layers": 1,
    "num_attention_heads": 1,
    "num_key_value_heads": 1,
    "hidden_size": 64,
    "intermediate_size": 64,
    "vocab_size": 64,
    "max_position_embeddings": 1048576,
    "torch_dtype": "bfloat16",
}


def engine_config(settings: PlannerSettings) -> Any:
    """A configuration of vLLM with these settings and a model that does not matter."""
    planner_model.start_process_group()
    with tempfile.TemporaryDirectory() as directory:
        config = planner_model.engine_config(directory, {"config": PLAIN_MODEL}, settings)
    if settings.enable_prefix_caching:
        config.cache_config.mamba_cache_mode = "align"
    return config


def specs_from(layers: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """VLLM's spec of each layer.

    Args:
        layers: By layer name the class of the spec (`spec`) and its fields; the dtype is one byte
            where it is not given, and shapes of states are numbers of bytes.
    """
    import torch
    from vllm.v1 import kv_cache_interface

    specs = {}
    for name, given in layers.items():
        fields = dict(given)
        made = getattr(kv_cache_interface, fields.pop("spec"))
        if made is kv_cache_interface.MambaSpec:
            fields["shapes"] = ((fields.pop("state_bytes"),),)
            fields["dtypes"] = (torch.uint8,)
        else:
            fields["dtype"] = getattr(torch, fields.get("dtype", "uint8"))
        specs[name] = made(**fields)
    return specs
