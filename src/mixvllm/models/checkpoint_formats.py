"""The number formats of a checkpoint: of the model, of its weights, of its KV cache."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from mixvllm.errors import ModelError
from mixvllm.models.config_keys import ConfigKeys

# PyTorch's names; transformers reads a config by them.
NUMBER_FORMATS = (
    *("auto", "bfloat16", "float16", "half", "float32", "float", "float64", "double"),
    *("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu"),
    *("float4_e2m1fn_x2", "int8", "uint8", "int16", "int32", "int64"),
)
# vLLM serves these in bfloat16 even where the config asks for float16.
NO_FLOAT16 = ("gemma2", "gemma3", "gemma3_text", "glm4")
MODELOPT_METHODS = {"FP8": "modelopt", "NVFP4": "modelopt_fp4", "MIXED_PRECISION": "modelopt_mixed"}
KV_ALGORITHMS = {"fp8": "fp8", "nvfp4": "nvfp4"}


def served_dtype(root: ConfigKeys, text: ConfigKeys) -> str:
    """The number format that vLLM takes under `auto` on a GPU that has bfloat16.

    Raises:
        ModelError: the config names one that PyTorch does not have.
    """
    sections = (root, text, root.section("vision_config"), root.section("encoder_config"))
    keys, key, written = next(
        (
            (keys, key, dtype)
            for keys in sections
            for key in ("dtype", "torch_dtype")
            if keys is not None and (dtype := keys.text(key))
        ),
        (root, "dtype", "float32"),
    )
    named = written.removeprefix("torch.")
    if named not in NUMBER_FORMATS:
        near = get_close_matches(named, NUMBER_FORMATS, n=1)
        close = f"; close to it is {near[0]}" if near else ""
        raise keys.broken(key, f"is {written[:40]!r}, which is no number format{close}")
    if named == "float16" and root.text("model_type") not in NO_FLOAT16:
        return "float16"
    return "bfloat16"


def quantization_config(
    root: ConfigKeys, text: ConfigKeys, hf_quant_config: Mapping[str, object] | None
) -> ConfigKeys | None:
    """What says how the weights are quantized; the separate file counts only without the others."""
    for keys in (root, text):
        for name in ("quantization_config", "compression_config"):
            if (found := keys.section(name)) is not None:
                return found
    if hf_quant_config is None:
        return None
    if not isinstance(hf_quant_config, Mapping):
        raise ModelError("hf_quant_config.json does not hold an object.")
    return ConfigKeys(hf_quant_config, "hf_quant_config.json: ")


def quantization_method(quantization: ConfigKeys | None) -> str | None:
    """The method of the weights under vLLM's name for it."""
    if quantization is None:
        return None
    method = (quantization.text("quant_method") or "").lower().replace("_tensors", "-tensors")
    algorithm = (_modelopt(quantization).text("quant_algo") or "").upper()
    # ModelOpt's own file names the algorithm, not the method.
    if not method.startswith("modelopt") and (method or not algorithm):
        if not method:
            raise quantization.broken("quant_method", "is missing")
        return method
    if "MXFP8" in algorithm:
        return "modelopt_mxfp8"
    if algorithm in MODELOPT_METHODS:
        return MODELOPT_METHODS[algorithm]
    if "NVFP4" in algorithm:
        return "modelopt_fp4"
    if algorithm.startswith("FP8"):
        return "modelopt"
    raise quantization.broken("quant_algo", f"is {algorithm!r}, which is not known here")


def kv_cache_format(quantization: ConfigKeys | None) -> str | None:
    """What `--kv-cache-dtype auto` becomes by the checkpoint; None is the model's own dtype."""
    method = quantization_method(quantization)
    if quantization is None or method is None:
        return None
    if method.startswith("modelopt"):
        return _modelopt_kv(quantization)
    if method == "compressed-tensors" and quantization.section("kv_cache_scheme") is not None:
        return "fp8"
    return None


def _modelopt(quantization: ConfigKeys) -> ConfigKeys:
    return quantization.section("quantization") or quantization


def _modelopt_kv(quantization: ConfigKeys) -> str | None:
    inner = _modelopt(quantization)
    for keys in (inner, quantization):
        if isinstance(keys.get("kv_cache_scheme"), Mapping):
            return _by_scheme(keys.section("kv_cache_scheme"))
    for keys in (inner, quantization):
        if algorithm := keys.text("kv_cache_quant_algo"):
            return KV_ALGORITHMS.get(algorithm.lower())
    return None


def _by_scheme(scheme: ConfigKeys | None) -> str | None:
    if scheme is None or scheme.text("type") != "float":
        return None
    bits = scheme.whole_or_none("num_bits")
    if bits == 8 and scheme.get("dynamic") is False:
        return "fp8"
    return "nvfp4" if bits == 4 else None
