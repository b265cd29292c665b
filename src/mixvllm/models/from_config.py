"""A config.json, as parsed, to a `ModelDescription`."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from mixvllm.errors import ModelError
from mixvllm.models.architecture_names import (
    BY_MODEL_TYPE,
    IGNORING_STATE_DTYPE,
    NOT_ESTABLISHED,
    ROOT_BY_MODEL_TYPE,
    SERVED_UNTIL,
    WITH_ENCODER,
)
from mixvllm.models.checkpoint_formats import (
    kv_cache_format,
    quantization_config,
    quantization_method,
    served_dtype,
)
from mixvllm.models.config_keys import ConfigKeys
from mixvllm.models.context_length import context_length
from mixvllm.models.description import ModelDescription
from mixvllm.models.families import FAMILIES, Family

LANGUAGE_PARTS = ("text_config", "llm_config", "language_config", "thinker_config")
DEEPEST_NESTING = 4
EXPERT_KEYS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")


def describe(
    name: str,
    config: Mapping[str, object],
    hf_quant_config: Mapping[str, object] | None = None,
) -> ModelDescription:
    """Describe the model of a config.json.

    Args:
        name: How the user named the model.
        config: The file, parsed.
        hf_quant_config: ModelOpt's file beside it, parsed, or None.

    Raises:
        ModelError: the config is broken, or its architecture or a kind of layer is not known.
    """
    if not isinstance(config, Mapping):
        raise ModelError("config.json does not hold an object.")
    root = ConfigKeys(config)
    architecture = architecture_of(root)
    family, text = family_and_keys(root, architecture)
    quantization = quantization_config(root, text, hf_quant_config)
    length = context_length(text)
    return ModelDescription(
        name=name,
        architecture=architecture,
        model_type=text.text("model_type") or root.text("model_type") or "",
        layers=family.layers(text),
        context_length=length.longest if length else None,
        default_length=length.default if length else None,
        dtype=served_dtype(root, text),
        attention_heads=text.whole_or_none("num_attention_heads") or 0,
        hidden_size=text.whole("hidden_size"),
        vocab_size=text.whole("vocab_size"),
        quantization=quantization_method(quantization),
        kv_cache_dtype=kv_cache_format(quantization),
        is_multimodal=architecture in WITH_ENCODER,
        is_moe=_has_experts(text),
        served_until=SERVED_UNTIL.get(architecture),
        has_own_config_code=_has_own_config_code(root),
    )


def architecture_of(root: ConfigKeys) -> str:
    """The first of `architectures` that is known; by `model_type` where there are none."""
    names = root.texts("architectures") or ()
    if not names:
        model_type = root.text("model_type") or ""
        found = ROOT_BY_MODEL_TYPE.get(model_type) or BY_MODEL_TYPE.get(model_type)
        if found is None:
            raise root.broken("architectures", "is missing, so nothing says what the model is")
        return found
    for name in names:
        if name in FAMILIES or name in WITH_ENCODER:
            return name
    raise _unknown_architecture(names[0])


def family_and_keys(root: ConfigKeys, architecture: str) -> tuple[Family, ConfigKeys]:
    """The family that reads the language part, and that part's keys."""
    text = _language_part(root)
    family = FAMILIES[family_name(root, architecture)]
    if architecture == "MllamaForConditionalGeneration":
        text = text.with_defaults({"encoder_tokens": _picture_tokens(root)})
    if architecture in IGNORING_STATE_DTYPE:
        text = text.without("mamba_ssm_dtype")
    return family, text.with_defaults(family.defaults)


def family_name(root: ConfigKeys, architecture: str) -> str:
    """The architecture of the language part."""
    if architecture in FAMILIES:
        return architecture
    text = _language_part(root)
    own = text.texts("architectures") if text is not root else None
    model_type = text.text("model_type") or ""
    inner = next((name for name in own or () if name in FAMILIES), "") or BY_MODEL_TYPE.get(
        model_type, ""
    )
    if not inner:
        raise ModelError(
            f"The language part of {architecture} has the model_type {model_type!r}, which "
            "is not known here.",
            code="model-unknown-kind",
        )
    return inner


def _language_part(root: ConfigKeys) -> ConfigKeys:
    keys = root
    for _ in range(DEEPEST_NESTING):
        inner = next((part for name in LANGUAGE_PARTS if (part := keys.section(name))), None)
        if inner is None:
            return keys
        keys = inner
    raise root.broken("text_config", "is nested without end")


def _picture_tokens(root: ConfigKeys) -> int:
    """Llama 3.2 Vision: every tile's patches and its class token, for the most tiles."""
    vision = root.section("vision_config") or ConfigKeys({}, "vision_config.")
    side = vision.whole_or_none("image_size") or 448
    patches = (side // (vision.whole_or_none("patch_size") or 14)) ** 2 + 1
    return patches * (vision.whole_or_none("max_num_tiles") or 4)


def _has_experts(text: ConfigKeys) -> bool:
    """Whether any key tells of more than no experts at all."""
    return any((text.whole_or_none(name, least=0) or 0) > 1 for name in EXPERT_KEYS)


def _has_own_config_code(root: ConfigKeys) -> bool:
    own = root.section("auto_map")
    return own is not None and own.get("AutoConfig") is not None


def _unknown_architecture(name: str) -> ModelError:
    if name in NOT_ESTABLISHED:
        return ModelError(
            f"The architecture {name} has {NOT_ESTABLISHED[name]}, whose memory is not known here.",
            hint="Where vLLM is installed, `--exact` asks vLLM's own planner.",
        )
    near = difflib.get_close_matches(name, {*FAMILIES, *WITH_ENCODER}, 3, 0.7)
    also = f" Close to it: {', '.join(near)}." if near else ""
    return ModelError(
        f"The architecture {name} is not known here.{also}",
        hint="Where vLLM is installed, `--exact` asks vLLM's own planner.",
    )
