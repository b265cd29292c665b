"""Where copies of config.json files differ from the published ones.

The catalogue is made from copies that other projects keep. Some of these altered them (a compiler
for TPUs wrote the lengths that it compiled for), are of an earlier revision, or are the file of
another model of the family. What is wrong is put right here, key by key, where a second source has
the published value; a model for which there is none is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

HUB_LISTING = "llmfit 1.1.17, a listing made from the hub's config.json files"


@dataclass(frozen=True)
class Correction:
    """Published values that a copy has otherwise.

    Attributes:
        values: Key of the config.json file, and its published value.
        reason: What the copy is.
        source: Where the published value is from.
    """

    values: Mapping[str, Any]
    reason: str
    source: str


COMPILED_FOR = "a TPU compiler's copy, with the length that it compiles for"
OF_THE_CHAT_MODEL = "the file of the model tuned for chats"
WITHOUT_SCALING = "a copy from before the scaling of positions was added"
DYNAMIC = {"rope_scaling": {"type": "dynamic", "factor": 2.0}}
QWEN2_BASE = f"https://github.com/QwenLM/Qwen3/issues/679; {HUB_LISTING}"

CORRECTED: Mapping[str, Correction] = {
    "01-ai/Yi-6B-Chat": Correction(
        {"max_position_embeddings": 4096}, COMPILED_FOR, f"xinference 4.1.0; {HUB_LISTING}"
    ),
    "codellama/CodeLlama-34b-hf": Correction(
        {"vocab_size": 32000},
        "a copy with the vocabulary of the 7B and 13B models",
        f"litgpt 0.5.13; {HUB_LISTING}, with its number of parameters",
    ),
    "internlm/internlm2-chat-7b": Correction(
        DYNAMIC,
        WITHOUT_SCALING,
        f"https://github.com/InternLM/InternLM/issues/743; {HUB_LISTING}",
    ),
    "internlm/internlm2_5-7b-chat": Correction(
        DYNAMIC,
        WITHOUT_SCALING,
        f"https://github.com/lablup/mlxcel/issues/1320; {HUB_LISTING}",
    ),
    "mistralai/Mistral-7B-Instruct-v0.2": Correction(
        {"max_position_embeddings": 32768},
        COMPILED_FOR,
        f"NVIDIA/TensorRT-LLM, its test of LLaVA-NeXT; {HUB_LISTING}",
    ),
    "poolside/Laguna-S-2.1-FP8": Correction(
        {"max_position_embeddings": 1048576},
        "a copy of an earlier revision",
        f"https://github.com/sgl-project/sglang/pull/31848; {HUB_LISTING}",
    ),
    "Qwen/Qwen-7B-Chat": Correction(
        {"max_position_embeddings": 32768, "seq_length": 8192},
        COMPILED_FOR,
        f"sgl-project/ome, testdata/qwen_7b.json; {HUB_LISTING}",
    ),
    "Qwen/Qwen1.5-MoE-A2.7B": Correction(
        {"max_position_embeddings": 8192}, OF_THE_CHAT_MODEL, HUB_LISTING
    ),
    "Qwen/Qwen2-0.5B": Correction(
        {"max_position_embeddings": 131072}, OF_THE_CHAT_MODEL, QWEN2_BASE
    ),
    "Qwen/Qwen2-1.5B": Correction(
        {"max_position_embeddings": 131072}, OF_THE_CHAT_MODEL, QWEN2_BASE
    ),
    "Qwen/Qwen2.5-VL-3B-Instruct": Correction(
        {"max_position_embeddings": 128000}, COMPILED_FOR, f"xinference 4.1.0; {HUB_LISTING}"
    ),
    "Qwen/QwQ-32B": Correction(
        {"max_position_embeddings": 40960},
        "a copy of the first revision",
        f"https://github.com/QwenLM/QwQ/issues/26; {HUB_LISTING}",
    ),
    "TheBloke/Llama-2-13B-chat-GPTQ": Correction(
        {"max_position_embeddings": 4096}, "a copy of the first revision", HUB_LISTING
    ),
    "zai-org/glm-4-9b-chat": Correction(
        {"seq_length": 131072},
        "the file of the model that is not tuned for chats",
        f"xinference 4.1.0; {HUB_LISTING}",
    ),
}

# The index has these under the name of another model.
RENAMED: Mapping[str, str] = {
    # The one without the suffix is in FP8, and the file has no word of that.
    "mistralai/Ministral-3-3B-Instruct-2512": "mistralai/Ministral-3-3B-Instruct-2512-BF16",
    "openbmb/MiniCPM-V-4_6-AWQ": "openbmb/MiniCPM-V-4.6-AWQ",
}

# Why a model is not in the catalogue though the index has it.
LEFT_OUT: Mapping[str, str] = {
    "openbmb/MiniCPM-MoE-8x2B": "no second source, and its only one is wrong about others",
    "Qwen/Qwen-72B-Chat": "both lengths are a quarter of what its model card promises, and no "
    "second source has its seq_length",
    "Qwen/Qwen-7B": "the file is that of Qwen2-7B-Instruct",
    "Qwen/Qwen2-VL-7B-Instruct-AWQ": "the file has another length and data type, and no word of "
    "the quantization",
}
