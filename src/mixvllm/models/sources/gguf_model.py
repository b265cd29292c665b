"""A GGUF file: its metadata read as the config that the model had before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from mixvllm.errors import ModelError
from mixvllm.models.found import FoundModel
from mixvllm.models.from_config import describe
from mixvllm.models.gguf_files import all_parts
from mixvllm.models.gguf_header import GgufHeader, ListLength, read_gguf_header
from mixvllm.models.weights.groups import WeightFacts, WeightGroup

# GGUF's names of the architectures whose metadata says all that their config did.
ARCHITECTURES: Final = {
    "gemma": "GemmaForCausalLM",
    "gemma2": "Gemma2ForCausalLM",
    "gemma3": "Gemma3ForCausalLM",
    "gpt-oss": "GptOssForCausalLM",
    "llama": "LlamaForCausalLM",
    "phi3": "Phi3ForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen2moe": "Qwen2MoeForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "qwen3moe": "Qwen3MoeForCausalLM",
    "stablelm": "StableLmForCausalLM",
    "starcoder2": "Starcoder2ForCausalLM",
}
KEYS: Final = {
    "hidden_size": "embedding_length",
    "num_hidden_layers": "block_count",
    "num_attention_heads": "attention.head_count",
    "num_key_value_heads": "attention.head_count_kv",
    "head_dim": "attention.key_length",
    "max_position_embeddings": "context_length",
    "intermediate_size": "feed_forward_length",
    "sliding_window": "attention.sliding_window",
    "num_experts": "expert_count",
}
GROUPS: Final[tuple[tuple[str, WeightGroup], ...]] = (
    ("token_embd.", "embeddings"),
    ("norm", "norms"),
    ("_exps.", "experts"),
    ("ffn_gate_inp.", "routers"),
    ("attn_", "attention"),
    ("output.weight", "lm_head"),
)


def found_in_gguf(path: Path, name: str) -> FoundModel:
    """The model of a GGUF file, with the others where it was split.

    Raises:
        ModelError: a file is broken or missing, or its architecture is not known here.
    """
    headers = [read_gguf_header(part) for part in all_parts(path)]
    # Of a model that was split, the first file has the metadata.
    described = describe(name, config_of(headers[0], str(path)))
    groups: dict[WeightGroup, int] = {}
    for tensor, size in (entry for header in headers for entry in header.tensor_bytes.items()):
        group: WeightGroup = next((group for part, group in GROUPS if part in tensor), "mlp")
        groups[group] = groups.get(group, 0) + size
    parameters = sum(header.parameters for header in headers)
    weights = WeightFacts(sum(groups.values()), "GGUF header", groups, parameters=parameters)
    description = replace(described, quantization="gguf", parameters=parameters)
    return FoundModel(description, weights, "GGUF file", str(path))


def config_of(header: GgufHeader, name: str) -> dict[str, object]:
    """The config.json that the metadata amounts to.

    Raises:
        ModelError: the architecture is not known here.
    """
    metadata = header.metadata
    architecture = metadata.get("general.architecture")
    if not isinstance(architecture, str) or architecture not in ARCHITECTURES:
        raise ModelError(
            f"{name} has the architecture {architecture!r:.60}, whose GGUF metadata is not known "
            "here.",
            hint="Name the directory with the config.json of the model it was made from.",
            code="model-unknown-kind",
        )
    config: dict[str, object] = {
        key: metadata[f"{architecture}.{own}"]
        for key, own in KEYS.items()
        if f"{architecture}.{own}" in metadata
    }
    for key, value in config.items():
        if isinstance(value, ListLength):
            raise ModelError(
                f"{name} has `{KEYS[key]}` by layer, which is not known here.",
                code="model-unknown-kind",
            )
    tokens = metadata.get("tokenizer.ggml.tokens")
    config["vocab_size"] = metadata.get(f"{architecture}.vocab_size") or (
        tokens.length if isinstance(tokens, ListLength) else None
    )
    # What is quantized says nothing of the format that it came from; 16 bits are served anyhow.
    config |= {
        "architectures": [ARCHITECTURES[architecture]],
        "model_type": architecture,
        "torch_dtype": "float16",
    }
    return config
