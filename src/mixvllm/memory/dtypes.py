"""Bytes that one token takes in one KV head, for every format of the KV cache."""

from __future__ import annotations

from math import ceil

from mixvllm.errors import EstimateError

ELEMENT_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}
# One byte an element; the scales are one for the whole tensor, outside the cache.
PER_TENSOR = frozenset({"fp8", "fp8_e4m3", "fp8_e5m2", "fp8_inc"})
# Bits an element; a float32 scale for the key and one for the value ride with each token.
PER_TOKEN_HEAD_BITS = {
    "int8_per_token_head": 8,
    "fp8_per_token_head": 8,
    "int4_per_token_head": 4,
}
NVFP4 = frozenset({"nvfp4", "nvfp4_4over6"})
# Bits of a key's and of a value's element.
TURBOQUANT_BITS = {
    "turboquant_k8v4": (8, 4),
    "turboquant_4bit_nc": (4, 4),
    "turboquant_k3v4_nc": (3, 4),
    "turboquant_3bit_nc": (3, 3),
}
# Opaque records of the sparse MLA kernels: latent, rotary part and scales together.
SPARSE_LATENT_BYTES = {"fp8_ds_mla": 656, "nvfp4_ds_mla": 352}

SCALE_BYTES = 4
INDEX_SCALE_GROUP = 128
NVFP4_SCALE_GROUP = 16

KV_CACHE_DTYPES = (
    "auto",
    *ELEMENT_BYTES,
    *sorted(PER_TENSOR),
    *PER_TOKEN_HEAD_BITS,
    *sorted(NVFP4),
    *TURBOQUANT_BITS,
    *SPARSE_LATENT_BYTES,
)


def element_bytes(dtype: str) -> int:
    """Bytes of one number of a plain dtype.

    Raises:
        EstimateError: the dtype is not a plain one.
    """
    if dtype not in ELEMENT_BYTES:
        known = ", ".join(ELEMENT_BYTES)
        raise EstimateError(f"The number format {dtype!r} is not known; {known} are.")
    return ELEMENT_BYTES[dtype]


def key_value_bytes(key_size: int, value_size: int, dtype: str) -> int:
    """Bytes of one token's key and value in one head.

    Plain formats: an element each. Scales per token and head: one float32 for the key, one for
    the value. NVFP4: half a byte an element and an 8-bit scale for each 16. TurboQuant: packed
    bits, a 2-byte norm for a quantised key, 4 bytes of scale and zero point for the value, the
    sum rounded up to even.

    Raises:
        EstimateError: the format is not known, or not for attention with heads.
    """
    if dtype in ELEMENT_BYTES:
        return (key_size + value_size) * ELEMENT_BYTES[dtype]
    if dtype in PER_TENSOR:
        return key_size + value_size
    if dtype in PER_TOKEN_HEAD_BITS:
        bits = PER_TOKEN_HEAD_BITS[dtype]
        return key_size * bits // 8 + value_size * bits // 8 + 2 * SCALE_BYTES
    if dtype in NVFP4:
        return nvfp4_bytes(key_size, value_size, dtype)
    if dtype in TURBOQUANT_BITS:
        return turboquant_bytes(key_size, dtype)
    raise unknown_format(dtype, "attention with KV heads")


def nvfp4_bytes(key_size: int, value_size: int, dtype: str) -> int:
    """Bytes of key and value in NVFP4, which has one slot size for both."""
    if key_size != value_size:
        raise EstimateError(
            f"The KV format {dtype} needs keys and values of one size, not {key_size} and "
            f"{value_size}."
        )
    return 2 * (key_size // 2 + key_size // NVFP4_SCALE_GROUP)


def turboquant_bytes(head_size: int, dtype: str) -> int:
    """Bytes of key and value in a TurboQuant format; 8-bit keys have no norm beside them."""
    key_bits, value_bits = TURBOQUANT_BITS[dtype]
    key = head_size if key_bits == 8 else ceil(head_size * key_bits / 8) + 2
    value = ceil(head_size * value_bits / 8) + 4
    return (key + value + 1) // 2 * 2


def latent_bytes(latent_size: int, dtype: str) -> int:
    """Bytes of one token's compressed vector (MLA): one vector, no value beside it.

    Raises:
        EstimateError: the format is not known, or vLLM has no MLA kernel for it.
    """
    if dtype in ELEMENT_BYTES:
        return latent_size * ELEMENT_BYTES[dtype]
    if dtype in PER_TENSOR:
        return latent_size
    if dtype in PER_TOKEN_HEAD_BITS:
        return latent_size * PER_TOKEN_HEAD_BITS[dtype] // 8 + 2 * SCALE_BYTES
    if dtype in SPARSE_LATENT_BYTES:
        return SPARSE_LATENT_BYTES[dtype]
    raise unknown_format(dtype, "multi-head latent attention")


def index_key_bytes(key_size: int) -> int:
    """Bytes of one token's key in a sparse indexer: 8 bits, a float32 scale for each 128."""
    return key_size + key_size // INDEX_SCALE_GROUP * SCALE_BYTES


def unknown_format(dtype: str, place: str) -> EstimateError:
    """The refusal of a KV format, by name."""
    if dtype in KV_CACHE_DTYPES:
        return EstimateError(f"The KV cache dtype {dtype} is not for {place}.")
    return EstimateError(
        f"The KV cache dtype {dtype!r} is not known.",
        hint=f"Known are {', '.join(KV_CACHE_DTYPES)}.",
    )
