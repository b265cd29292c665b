"""Names of architectures: with an encoder, by `model_type`, refused, and no longer served."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Models with an encoder: their language part is one of the families, by its `model_type`.
WITH_ENCODER: Final = frozenset(
    {
        "Gemma3ForConditionalGeneration",
        "Gemma3nForConditionalGeneration",
        "Gemma4ForConditionalGeneration",
        "Glm4vForConditionalGeneration",
        "Glm4vMoeForConditionalGeneration",
        "DeepseekVLV2ForCausalLM",
        "InternVLChatModel",
        "KimiK25ForConditionalGeneration",
        "KimiK3ForConditionalGeneration",
        "KimiVLForConditionalGeneration",
        "Llama4ForConditionalGeneration",
        "LlavaForConditionalGeneration",
        "LlavaNextForConditionalGeneration",
        "LlavaOnevisionForConditionalGeneration",
        "MiniCPMV4_6ForConditionalGeneration",
        "MiniMaxM3SparseForConditionalGeneration",
        "Mistral3ForConditionalGeneration",
        "MllamaForConditionalGeneration",
        "MolmoForCausalLM",
        "MuseGlimmerForConditionalGeneration",
        "Phi3VForCausalLM",
        "Phi4MMForCausalLM",
        "Qwen2AudioForConditionalGeneration",
        "Qwen2VLForConditionalGeneration",
        "Qwen2_5OmniForConditionalGeneration",
        "Qwen2_5OmniModel",
        "Qwen2_5_VLForConditionalGeneration",
        "Qwen3OmniMoeForConditionalGeneration",
        "Qwen3VLForConditionalGeneration",
        "Qwen3VLMoeForConditionalGeneration",
        "Qwen3_5ForConditionalGeneration",
        "Qwen3_5MoeForConditionalGeneration",
        "SmolVLMForConditionalGeneration",
        "Step3p7ForConditionalGeneration",
        "WhisperForConditionalGeneration",
    }
)

# The family of a language part that names no architecture of its own.
BY_MODEL_TYPE: Final[Mapping[str, str]] = {
    "cohere": "CohereForCausalLM",
    "cohere2": "Cohere2ForCausalLM",
    "deepseek_v2": "DeepseekV2ForCausalLM",
    "deepseek_v3": "DeepseekV3ForCausalLM",
    "gemma": "GemmaForCausalLM",
    "gemma2": "Gemma2ForCausalLM",
    "gemma3_text": "Gemma3ForCausalLM",
    "gemma3n_text": "Gemma3nForCausalLM",
    "gemma4_text": "Gemma4ForCausalLM",
    "glm4": "Glm4ForCausalLM",
    "glm4v": "Glm4ForCausalLM",
    "glm4v_text": "Glm4ForCausalLM",
    "glm4v_moe_text": "Glm4MoeForCausalLM",
    "gpt_oss": "GptOssForCausalLM",
    "internlm2": "InternLM2ForCausalLM",
    "kimi_k2": "DeepseekV3ForCausalLM",
    "kimi_linear": "KimiLinearForCausalLM",
    "llama": "LlamaForCausalLM",
    "llama4_text": "Llama4ForCausalLM",
    "ministral3": "Ministral3ForCausalLM",
    "mistral": "MistralForCausalLM",
    "mixtral": "MixtralForCausalLM",
    "mllama_text_model": "MllamaForConditionalGeneration",
    "muse_glimmer_text": "MuseGlimmerForConditionalGeneration",
    "nemotron_h": "NemotronHForCausalLM",
    "phi3": "Phi3ForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen2_5_omni_text": "Qwen2ForCausalLM",
    "qwen2_5_vl": "Qwen2ForCausalLM",
    "qwen2_5_vl_text": "Qwen2ForCausalLM",
    "qwen2_audio": "Qwen2ForCausalLM",
    "qwen2_vl": "Qwen2ForCausalLM",
    "qwen2_vl_text": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "qwen3_5_moe_text": "Qwen3_5MoeForCausalLM",
    "qwen3_5_text": "Qwen3_5ForCausalLM",
    "qwen3_moe": "Qwen3MoeForCausalLM",
    "qwen3_omni_moe_text": "Qwen3MoeForCausalLM",
    "qwen3_vl_moe_text": "Qwen3MoeForCausalLM",
    "qwen3_vl_text": "Qwen3ForCausalLM",
    "step3p5": "Step3p5ForCausalLM",
    "step3p7": "Step3p5ForCausalLM",
}

# vLLM reads `mamba_ssm_dtype` for Qwen3.5's own classes, not where they are inside another's.
IGNORING_STATE_DTYPE: Final = frozenset({"MiniCPMV4_6ForConditionalGeneration"})

# Configs that name no architecture at all.
ROOT_BY_MODEL_TYPE: Final[Mapping[str, str]] = {
    "deepseek_vl_v2": "DeepseekVLV2ForCausalLM",
    "gemma3": "Gemma3ForConditionalGeneration",
}

# vLLM serves these, but how it lays out their caches has not been established here.
NOT_ESTABLISHED: Final[Mapping[str, str]] = {
    "DeepseekV41ForCausalLM": "caches that layers share and rings of keys not yet compressed",
    "DeepseekV4ForConditionalGeneration": "windows that pictures widen",
    "Dots3NoteForCausalLM": "a note of the context beside its layers",
    "Glm5NextForCausalLM": "pooled keys and a ring of their last ones",
    "Glm5NextForConditionalGeneration": "pooled keys and a ring of their last ones",
    "HYV4ForCausalLM": "compressed latent caches",
    "MiniMaxM3ForCausalLM": "keys in its config that are not those of the published model",
    "Qwen4ExpForCausalLM": "rings of keys beside its attention",
    "Qwen4ExpForConditionalGeneration": "rings of keys beside its attention",
}

# The last release of vLLM that served an architecture which none serves now.
SERVED_UNTIL: Final[Mapping[str, str]] = {
    "AquilaForCausalLM": "0.24.0",
    "BaiChuanForCausalLM": "0.23.0",
    "BaichuanForCausalLM": "0.23.0",
    "BambaForCausalLM": "0.23.0",
    "InternLMForCausalLM": "0.23.0",
    "MiniMaxM1ForCausalLM": "0.23.0",
    "MiniMaxText01ForCausalLM": "0.23.0",
    "MllamaForConditionalGeneration": "0.10.2",
    "Phi3SmallForCausalLM": "0.9.2",
    "Phi4MMForCausalLM": "0.12.0",
    "QWenLMHeadModel": "0.23.0",
    "XverseForCausalLM": "0.23.0",
}
