from __future__ import annotations

import pytest

from mixvllm.errors import EstimateError
from mixvllm.memory.dtypes import index_key_bytes, key_value_bytes, latent_bytes


@pytest.mark.parametrize(
    ("dtype", "size"),
    [
        ("bfloat16", 512),
        ("float32", 1024),
        ("fp8", 256),
        ("fp8_e5m2", 256),
        ("int8_per_token_head", 264),
        ("fp8_per_token_head", 264),
        ("int4_per_token_head", 136),
        ("nvfp4", 144),
        ("turboquant_k8v4", 196),
        ("turboquant_4bit_nc", 134),
        ("turboquant_k3v4_nc", 118),
        ("turboquant_3bit_nc", 102),
    ],
)
def test_a_key_and_a_value_of_128_elements_take(dtype: str, size: int) -> None:
    assert key_value_bytes(128, 128, dtype) == size


@pytest.mark.parametrize(
    ("dtype", "size"),
    [
        ("bfloat16", 1152),
        ("fp8", 576),
        ("int8_per_token_head", 584),
        ("int4_per_token_head", 296),
        ("fp8_ds_mla", 656),
        ("nvfp4_ds_mla", 352),
    ],
)
def test_a_latent_vector_of_576_elements_takes(dtype: str, size: int) -> None:
    assert latent_bytes(576, dtype) == size


def test_a_sparse_index_key_has_a_scale_beside_it() -> None:
    assert index_key_bytes(128) == 132


def test_a_key_and_a_value_may_differ_in_size() -> None:
    assert key_value_bytes(192, 128, "bfloat16") == 640


def test_nvfp4_takes_keys_and_values_of_one_size_alone() -> None:
    with pytest.raises(EstimateError, match="nvfp4 needs keys and values of one size"):
        key_value_bytes(192, 128, "nvfp4")


def test_nvfp4_is_not_for_latent_attention() -> None:
    with pytest.raises(EstimateError, match="nvfp4 is not for multi-head latent attention"):
        latent_bytes(576, "nvfp4")


def test_an_unknown_format_is_refused_by_name() -> None:
    with pytest.raises(EstimateError, match="'fp6' is not known"):
        key_value_bytes(128, 128, "fp6")
