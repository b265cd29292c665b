"""Whether the number formats that are asked for are those of the checkpoint and of the GPU.

The rules are vLLM's: `ModelConfig._verify_quantization`, the `override_quantization_method`,
`get_min_capability` and `get_supported_act_dtypes` of its quantization methods (0.32), its
platforms' `supported_dtypes`, and the KV formats of its attention backends.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mixvllm.errors import EstimateError
from mixvllm.memory.dtypes import PER_TENSOR, key_value_bytes, latent_bytes
from mixvllm.models.checkpoint_formats import NO_FLOAT16
from mixvllm.models.description import FullAttention, LatentAttention, SlidingWindow
from mixvllm.sizing.finding import DTYPE, KV_DTYPE, MODEL, QUANTIZATION, Case, Finding

# Names of one method: the checkpoint's, and those under which a user may ask for it.
SAME_METHOD = {
    "gptq": {"gptq", "gptq_marlin", "auto_gptq", "moe_wna16"},
    "awq": {"awq", "awq_marlin", "auto_awq", "moe_wna16"},
    "mxfp4": {"mxfp4", "gpt_oss_mxfp4"},
    "fp8": {"fp8", "deepseek_v4_fp8"},
}
# These take a checkpoint of several methods, by rules of their own.
ADAPTABLE = frozenset({"humming", "inc"})
# vLLM takes the checkpoint's method here, whatever is asked.
NOT_ASKED = frozenset({"modelopt", "modelopt_fp4", "modelopt_mxfp8", "modelopt_mixed"})
# These read how the weights were quantized out of the checkpoint.
OF_A_CHECKPOINT = frozenset(
    {
        *SAME_METHOD["gptq"],
        *SAME_METHOD["awq"],
        *NOT_ASKED,
        "compressed-tensors",
        "fbgemm_fp8",
        "inc",
    }
)
# Files of their own in which older checkpoints say how they were quantized.
QUANTIZATION_FILES = ("quantize_config.json", "quant_config.json")
LEAST_CAPABILITY = {
    "awq": (7, 5),
    "gptq": (6, 0),
    "fp8": (7, 5),
    "compressed-tensors": (7, 0),
    "modelopt": (8, 0),
    "modelopt_fp4": (7, 5),
    "modelopt_mxfp8": (8, 0),
    "mxfp4": (8, 0),
    "moe_wna16": (7, 0),
    "experts_int8": (8, 0),
    "torchao": (7, 5),
}
# The formats of activations that a method computes with; others take any.
ACTIVATIONS = {
    **dict.fromkeys(("modelopt_mxfp8", "mxfp4"), ("bfloat16",)),
    **dict.fromkeys(
        ("awq", "gptq", "fp8", "modelopt", "modelopt_fp4", "modelopt_mixed", "experts_int8"),
        ("float16", "bfloat16"),
    ),
}
WITH_BFLOAT16 = (8, 0)
WITH_FP8 = (8, 9)


def format_findings(case: Case) -> Iterator[Finding]:
    """Every format that contradicts the checkpoint or that the GPU does not have."""
    yield from _quantization(case)
    yield from _quantization_on_gpu(case)
    yield from _dtype(case)
    yield from _dtype_on_gpu(case)
    yield from _dtype_on_cpu(case)
    yield from _kv_cache(case)
    yield from _kv_cache_on_gpu(case)


def method_of(case: Case) -> str | None:
    """The quantization method that vLLM will end with, under the checkpoint's name for it."""
    asked, own = case.asked.quantization, case.found.description.quantization
    if own is not None or asked is None:
        return own
    return next((name for name, names in SAME_METHOD.items() if asked in names), asked)


def served_dtype(case: Case) -> str:
    """The number format that vLLM will serve in: the GPU's next best where it has no bfloat16."""
    asked, model = case.asked.dtype, case.found.description
    if asked != "auto" or model.dtype != "bfloat16" or has_bfloat16(case):
        return asked
    return "float32" if model.model_type in NO_FLOAT16 else "float16"


def has_bfloat16(case: Case) -> bool:
    """Whether the GPU computes in bfloat16, as far as is known."""
    return case.capability is None or case.capability >= WITH_BFLOAT16


def has_fp8_cache(case: Case) -> bool:
    """Whether every attention backend keeps an 8-bit cache on the GPU, as far as is known."""
    return case.capability is None or case.capability >= WITH_FP8


def _quantization(case: Case) -> Iterator[Finding]:
    asked, own = case.asked.quantization, case.found.description.quantization
    name = case.found.description.name
    if asked is None or asked in ADAPTABLE:
        return
    if own in NOT_ASKED and asked != own:
        message = f"{name} is quantized with {own}, which vLLM takes instead of {asked}"
        yield Finding(
            (QUANTIZATION,),
            message,
            "warning",
            "leave quantization out",
            code="quantization-mismatch",
        )
    elif own is not None and asked not in SAME_METHOD.get(own, {own}):
        message = f"{name} is quantized with {own}, not with {asked}"
        yield Finding(
            (QUANTIZATION,), message, advice="leave quantization out", code="quantization-mismatch"
        )
    elif own is None and asked in OF_A_CHECKPOINT and not _has_own_file(case):
        message = f"{name} is not quantized, and {asked} needs a checkpoint that was made for it"
        certain = case.found.source != "hub"
        advice = "leave quantization out, or name the checkpoint in that format"
        yield Finding(
            (QUANTIZATION,),
            message,
            "error" if certain else "warning",
            advice,
            code="quantization-mismatch",
        )


def _has_own_file(case: Case) -> bool:
    if case.found.source not in ("local directory", "Hugging Face cache"):
        return False
    directory = Path(case.found.origin)
    return any((directory / name).is_file() for name in QUANTIZATION_FILES)


def _quantization_on_gpu(case: Case) -> Iterator[Finding]:
    method, capability = method_of(case), case.capability
    least = LEAST_CAPABILITY.get(method or "")
    if least is None or capability is None or capability >= least:
        return
    yield Finding(
        (QUANTIZATION, MODEL),
        f"the quantization method {method} needs a GPU of compute capability "
        f"{_dotted(least)}, and {_gpu(case)} has {_dotted(capability)}",
        advice="take a checkpoint in another format",
        code="quantization-mismatch",
    )


def _dtype(case: Case) -> Iterator[Finding]:
    asked, model = case.asked.dtype, case.found.description
    if asked == "auto":
        return
    if asked == "float16" and model.model_type in NO_FLOAT16:
        yield Finding(
            (DTYPE,),
            f"{model.name} ({model.model_type}) is not numerically stable in float16, and vLLM "
            "refuses it",
            advice="set bfloat16 or float32",
            code="number-format",
        )
    elif asked == "float16" and model.dtype == "bfloat16":
        yield Finding(
            (DTYPE,),
            f"{model.name} is in bfloat16: numbers above 65,504 overflow in float16",
            "warning" if has_bfloat16(case) else "note",
            "leave dtype out",
            code="number-format",
        )
    if not _activations(case, asked):
        method = method_of(case) or ""
        allowed = " or ".join(ACTIVATIONS[method])
        message = f"the quantization method {method} computes in {allowed}, not in {asked}"
        yield Finding((DTYPE,), message, advice="leave dtype out", code="number-format")


def _activations(case: Case, dtype: str) -> bool:
    """Whether the quantization method computes in this format."""
    allowed = ACTIVATIONS.get(method_of(case) or "")
    return allowed is None or dtype in allowed


def _dtype_on_gpu(case: Case) -> Iterator[Finding]:
    if has_bfloat16(case):
        return
    assert case.capability is not None
    asked, model = case.asked.dtype, case.found.description
    has = f"{_gpu(case)} (compute capability {_dotted(case.capability)}) has no bfloat16"
    if asked == "bfloat16":
        yield Finding((DTYPE,), has, advice="set float16, or leave dtype out", code="number-format")
    elif (taken := served_dtype(case)) != asked and _activations(case, taken):
        message = f"{has}: vLLM will serve {model.name} in {taken} instead"
        yield Finding(
            (DTYPE, MODEL),
            message,
            "warning",
            f"set `dtype: {taken}` to say so",
            code="number-format",
        )


def _dtype_on_cpu(case: Case) -> Iterator[Finding]:
    """VLLM's CPU build computes wrong text in bfloat16 unless its graphs are compiled (seen)."""
    if case.memory is None or not case.asked.enforce_eager:
        return
    asked = case.asked.dtype
    if (case.found.description.dtype if asked == "auto" else asked) == "bfloat16":
        yield Finding(
            (DTYPE, "inference.enforce_eager"),
            "the CPU build of vLLM gives wrong text in bfloat16 with enforce_eager",
            "warning",
            "set `dtype: float32`, or leave enforce_eager out, which compiles for minutes",
            code="number-format",
        )


def _kv_cache(case: Case) -> Iterator[Finding]:
    asked = case.asked.kv_cache_dtype
    if asked == "auto":
        return
    for layer in set(case.found.description.layers):
        try:
            if isinstance(layer, LatentAttention):
                latent_bytes(layer.latent_size + layer.rope_size, asked)
            elif isinstance(layer, FullAttention | SlidingWindow):
                key_value_bytes(layer.key_size, layer.value_size, asked)
        except EstimateError as error:
            yield Finding(
                (KV_DTYPE,),
                error.message.rstrip("."),
                advice="leave kv_cache_dtype out",
                code="kv-cache-format",
            )
            return


def _kv_cache_on_gpu(case: Case) -> Iterator[Finding]:
    asked, capability = case.asked.kv_cache_dtype, case.capability
    if capability is None or not (asked in PER_TENSOR or asked.startswith("fp8")):
        return
    where = f"{_gpu(case)} (compute capability {_dotted(capability)})"
    if capability < WITH_BFLOAT16:
        yield Finding(
            (KV_DTYPE,),
            f"no attention backend of vLLM keeps a KV cache in {asked} on {where}",
            advice="leave kv_cache_dtype out",
            code="kv-cache-format",
        )
    elif capability < WITH_FP8:
        yield Finding(
            (KV_DTYPE,),
            f"on {where} only FlashInfer keeps a KV cache in {asked}, and it does not serve "
            "every model",
            "warning",
            "leave kv_cache_dtype out if vLLM refuses",
            code="kv-cache-format",
        )


def _gpu(case: Case) -> str:
    gpu = case.gpu
    return (gpu.name if gpu else None) or "the GPU"


def _dotted(capability: tuple[int, int]) -> str:
    return f"{capability[0]}.{capability[1]}"
