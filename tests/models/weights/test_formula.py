from __future__ import annotations

from typing import Any

import pytest

from mixvllm.models.weights.formula import weights_by_formula

# Llama-2-7B: published as 6,738,415,616 parameters.
LLAMA_2_7B: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_attention_heads": 32,
    "num_hidden_layers": 32,
    "vocab_size": 32000,
    "tie_word_embeddings": False,
}
LINEAR = 32 * (4 * 4096 * 4096 + 3 * 4096 * 11008)


def total(**changes: object) -> int:
    facts = weights_by_formula({**LLAMA_2_7B, **changes})
    assert facts is not None
    assert sum(facts.groups.values()) == facts.total_bytes
    return facts.total_bytes


def test_a_16_bit_model_takes_two_bytes_a_parameter() -> None:
    assert total() == 2 * 6_738_415_616


def test_a_tied_head_is_counted_once() -> None:
    assert total() - total(tie_word_embeddings=True) == 2 * 32000 * 4096


@pytest.mark.parametrize(
    ("quantization", "of_linear"),
    [
        ({"quant_method": "fp8"}, 1.0),
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, 1 + 4 / 16384),
        ({"quant_method": "awq", "bits": 4, "group_size": 128}, 0.5 + 2.5 / 128),
        ({"quant_method": "gptq", "bits": 8, "group_size": -1}, 1.0),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, 0.5 + 1 / 16),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, 1.0),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {
                    "group_0": {"weights": {"num_bits": 4, "type": "int", "group_size": 32}}
                },
            },
            0.5 + 2 / 32,
        ),
    ],
)
def test_a_quantized_matrix_takes_its_bits_and_scales(
    quantization: object, of_linear: float
) -> None:
    saved = total() - total(quantization_config=quantization)
    assert saved == pytest.approx((2 - of_linear) * LINEAR, rel=1e-9)


def test_what_a_checkpoint_leaves_out_of_quantization_stays_whole() -> None:
    attention = [f"model.layers.{index}.self_attn.q_proj" for index in range(32)]
    fp8 = {"quant_method": "fp8", "modules_to_not_convert": ["lm_head", *attention]}
    assert total() - total(quantization_config=fp8) == 32 * 3 * 4096 * 11008


def test_a_mixed_or_unknown_quantization_is_not_guessed() -> None:
    for method in ("quark", "modelopt"):
        quantization = {"quant_method": method, "quant_algo": "MIXED_PRECISION"}
        config = {**LLAMA_2_7B, "quantization_config": quantization}
        assert weights_by_formula(config) is None


def test_experts_are_apart_from_the_dense_part() -> None:
    facts = weights_by_formula(
        {
            **LLAMA_2_7B,
            "architectures": ["MixtralForCausalLM"],
            "num_key_value_heads": 8,
            "num_local_experts": 8,
        }
    )
    assert facts is not None
    assert facts.groups["experts"] == 2 * 32 * 8 * 3 * 4096 * 11008
    assert "mlp" not in facts.groups
    assert facts.kv_projection_bytes == 2 * 32 * 4096 * 2 * 1024


def test_a_model_with_an_unknown_encoder_has_no_formula() -> None:
    config = {
        "architectures": ["LlavaForConditionalGeneration"],
        "text_config": {**LLAMA_2_7B, "model_type": "llama"},
    }
    assert weights_by_formula(config) is None


DEEPSEEK_V4: dict[str, Any] = {
    "architectures": ["DeepseekV4ForCausalLM"],
    "hidden_size": 4096,
    "num_hidden_layers": 43,
    "num_attention_heads": 64,
    "head_dim": 512,
    "vocab_size": 129280,
    "sliding_window": 128,
    "compress_ratios": [0, 0, *[4, 128] * 20, 4, 0],
    "q_lora_rank": 1024,
    "o_lora_rank": 1024,
    "o_groups": 8,
    "index_head_dim": 128,
    "index_n_heads": 64,
    "hc_mult": 4,
    "moe_intermediate_size": 2048,
    "n_routed_experts": 256,
    "n_shared_experts": 1,
    "expert_dtype": "fp4",
    "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]},
}


def test_deepseek_v4_weighs_what_vllms_classes_do_on_the_meta_device() -> None:
    facts = weights_by_formula(DEEPSEEK_V4)
    assert facts is not None
    assert facts.total_bytes == pytest.approx(156_006_389_980, rel=0.001)


def test_deepseek_v4_with_8_bit_experts_is_nearly_twice_as_heavy() -> None:
    plain = {key: value for key, value in DEEPSEEK_V4.items() if key != "expert_dtype"}
    facts = weights_by_formula(plain)
    assert facts is not None
    assert facts.groups["experts"] == pytest.approx(43 * 256 * 3 * 4096 * 2048, rel=0.001)


def test_layers_that_modelopt_lists_take_their_own_bits() -> None:
    listed = {
        **{f"model.layers.{n}.self_attn.q_proj": {"quant_algo": "FP8"} for n in range(32)},
        **{f"model.layers.{n}.mlp.up_proj": {"quant_algo": "NVFP4"} for n in range(32)},
    }
    mixed = {
        "quant_method": "modelopt",
        "quant_algo": "MIXED_PRECISION",
        "quantized_layers": listed,
    }
    facts = weights_by_formula({**LLAMA_2_7B, "quantization_config": mixed})
    assert facts is not None
    assert facts.groups["attention"] == 32 * 4 * 4096 * 4096
    assert facts.groups["mlp"] == 32 * 3 * 4096 * 11008 * 9 // 16
    assert facts.groups["lm_head"] == 2 * 32000 * 4096


def test_a_group_of_layers_with_unlike_bits_is_not_guessed() -> None:
    listed = {
        "model.layers.0.mlp.up_proj": {"quant_algo": "FP8"},
        "model.layers.1.mlp.up_proj": {"quant_algo": "NVFP4"},
    }
    mixed = {
        "quant_method": "modelopt",
        "quant_algo": "MIXED_PRECISION",
        "quantized_layers": listed,
    }
    assert weights_by_formula({**LLAMA_2_7B, "quantization_config": mixed}) is None
