"""More small models: states beside attention, an encoder, caches that are shared."""

from __future__ import annotations

from mixvllm.models.description import (
    CrossAttention,
    KimiDelta,
    LatentAttention,
    Mamba1,
    Mamba2,
    SharedCache,
    SlidingWindow,
)
from tests.vllm_internals.tiny_models import TinyModel, config, full, pattern

STATE_OF_JAMBA = Mamba1(inner_size=1024, state_size=16, conv_kernel=4)

JAMBA = TinyModel(
    config(
        "JambaForCausalLM",
        "jamba",
        4,
        num_key_value_heads=2,
        attn_layer_offset=1,
        attn_layer_period=2,
        expert_layer_offset=1,
        expert_layer_period=2,
        num_experts=2,
        num_experts_per_tok=1,
        mamba_d_state=16,
        mamba_d_conv=4,
        mamba_expand=2,
        mamba_dt_rank=32,
        mamba_conv_bias=True,
        mamba_proj_bias=False,
        hidden_act="silu",
    ),
    pattern(2, STATE_OF_JAMBA, full(2, 64)),
)

MAMBA = TinyModel(
    config(
        "MambaForCausalLM",
        "mamba",
        4,
        intermediate_size=1024,
        state_size=16,
        conv_kernel=4,
        expand=2,
        time_step_rank=32,
        use_conv_bias=True,
        use_bias=False,
        layer_norm_epsilon=1e-5,
        hidden_act="silu",
    ),
    pattern(4, STATE_OF_JAMBA),
)

FALCON = TinyModel(
    config(
        "FalconH1ForCausalLM",
        "falcon_h1",
        4,
        num_key_value_heads=2,
        head_dim=64,
        mamba_d_ssm=1024,
        mamba_n_heads=16,
        mamba_d_head=64,
        mamba_n_groups=1,
        mamba_d_state=64,
        mamba_d_conv=4,
        mamba_expand=2,
        mamba_chunk_size=64,
        hidden_act="silu",
    ),
    pattern(
        4,
        full(2, 64),
        Mamba2(heads=16, head_size=64, groups=1, state_size=64, conv_kernel=4),
    ),
)

KIMI = TinyModel(
    config(
        "KimiLinearForCausalLM",
        "kimi_linear",
        4,
        num_key_value_heads=8,
        head_dim=64,
        q_lora_rank=None,
        kv_lora_rank=512,
        qk_rope_head_dim=64,
        qk_nope_head_dim=128,
        v_head_dim=128,
        linear_attn_config={
            "kda_layers": [1, 2, 3],
            "full_attn_layers": [4],
            "head_dim": 64,
            "num_heads": 8,
            "short_conv_kernel_size": 4,
        },
        num_experts=2,
        num_experts_per_token=1,
        num_shared_experts=1,
        moe_intermediate_size=64,
        first_k_dense_replace=1,
        moe_layer_freq=1,
        routed_scaling_factor=1.0,
        moe_renormalize=True,
        num_expert_group=1,
        topk_group=1,
        moe_router_activation_func="sigmoid",
        use_grouped_topk=True,
        mla_use_nope=True,
        hidden_act="silu",
    ),
    (
        *pattern(3, KimiDelta(heads=8, head_size=64, conv_kernel=4)),
        LatentAttention(latent_size=512, rope_size=64),
    ),
)

WHISPER = TinyModel(
    {
        "architectures": ["WhisperForConditionalGeneration"],
        "model_type": "whisper",
        "d_model": 256,
        "encoder_layers": 2,
        "decoder_layers": 2,
        "num_hidden_layers": 2,
        "encoder_attention_heads": 4,
        "decoder_attention_heads": 4,
        "encoder_ffn_dim": 256,
        "decoder_ffn_dim": 256,
        "vocab_size": 51865,
        "num_mel_bins": 80,
        "max_source_positions": 1500,
        "max_target_positions": 448,
        "bos_token_id": 1,
        "eos_token_id": 1,
        "pad_token_id": 1,
        "decoder_start_token_id": 1,
        "torch_dtype": "bfloat16",
    },
    pattern(
        2,
        full(4, 64),
        CrossAttention(kv_heads=4, key_size=64, value_size=64, encoder_tokens=1500),
    ),
)

GEMMA_3N = TinyModel(
    config(
        "Gemma3nForCausalLM",
        "gemma3n_text",
        6,
        num_key_value_heads=2,
        head_dim=64,
        layer_types=["sliding_attention", "sliding_attention", "full_attention"] * 2,
        sliding_window=512,
        num_kv_shared_layers=3,
        hidden_size_per_layer_input=64,
        vocab_size_per_layer_input=1024,
        laurel_rank=16,
        altup_num_inputs=2,
        altup_active_idx=0,
        activation_sparsity_pattern=[0.0] * 6,
    ),
    (
        *pattern(2, SlidingWindow(kv_heads=2, key_size=64, value_size=64, window=512)),
        full(2, 64),
        *pattern(3, SharedCache()),
    ),
)
