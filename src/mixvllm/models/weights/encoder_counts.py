"""Parameters of the encoders for pictures whose layout is known here."""

from __future__ import annotations

from mixvllm.models.config_keys import ConfigKeys

_QWEN2_VL = {
    "depth": 32,
    "embed_dim": 1280,
    "mlp_ratio": 4,
    "patch_size": 14,
    "temporal_patch_size": 2,
    "spatial_merge_size": 2,
    "in_chans": 3,
}
_QWEN2_5_VL = {
    "depth": 32,
    "hidden_size": 1280,
    "intermediate_size": 3420,
    "patch_size": 14,
    "temporal_patch_size": 2,
    "spatial_merge_size": 2,
    "in_chans": 3,
}
_QWEN3_VL = {
    "depth": 27,
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "patch_size": 16,
    "temporal_patch_size": 2,
    "spatial_merge_size": 2,
    "in_channels": 3,
    "num_position_embeddings": 2304,
}
_SIGLIP = {
    "num_hidden_layers": 27,
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "image_size": 896,
    "patch_size": 14,
}
QWEN3_VL = frozenset(
    {
        "Qwen3VLForConditionalGeneration",
        "Qwen3VLMoeForConditionalGeneration",
        "Qwen3_5ForConditionalGeneration",
        "Qwen3_5MoeForConditionalGeneration",
    }
)


def encoder_count(root: ConfigKeys, architecture: str, hidden: int) -> int | None:
    """Parameters of the encoder with its projector; None where its layout is not known here.

    Args:
        root: The whole config.
        architecture: The class in it.
        hidden: The width of the language part that the encoder's output must have.
    """
    vision = root.section("vision_config")
    if vision is None:
        return None
    if architecture == "Qwen2VLForConditionalGeneration":
        return _qwen2_vl(vision.with_defaults(_QWEN2_VL), hidden)
    if architecture == "Qwen2_5_VLForConditionalGeneration":
        return _qwen2_5_vl(vision.with_defaults(_QWEN2_5_VL), hidden)
    if architecture in QWEN3_VL:
        return _qwen3_vl(vision.with_defaults(_QWEN3_VL), hidden)
    if architecture == "Gemma3ForConditionalGeneration":
        return _siglip(vision.with_defaults(_SIGLIP), hidden)
    return None


def _patches(vision: ConfigKeys, channels: int) -> int:
    """Elements of the picture that one token of the encoder stands for."""
    return channels * vision.whole("temporal_patch_size") * vision.whole("patch_size") ** 2


def _linear(inputs: int, outputs: int) -> int:
    return inputs * outputs + outputs


def _qwen2_vl(vision: ConfigKeys, hidden: int) -> int:
    width = vision.whole("embed_dim")
    inner = width * vision.whole("mlp_ratio")
    block = 4 * width + _linear(width, 3 * width) + _linear(width, width)
    block += _linear(width, inner) + _linear(inner, width)
    merged = width * vision.whole("spatial_merge_size") ** 2
    merger = 2 * width + _linear(merged, merged) + _linear(merged, hidden)
    patches = _patches(vision, vision.whole("in_chans")) * width
    return patches + vision.whole("depth") * block + merger


def _qwen2_5_vl(vision: ConfigKeys, hidden: int) -> int:
    width, inner = vision.whole("hidden_size"), vision.whole("intermediate_size")
    block = 2 * width + _linear(width, 3 * width) + _linear(width, width)
    block += 2 * _linear(width, inner) + _linear(inner, width)
    merged = width * vision.whole("spatial_merge_size") ** 2
    merger = width + _linear(merged, merged) + _linear(merged, hidden)
    patches = _patches(vision, vision.whole("in_chans")) * width
    return patches + vision.whole("depth") * block + merger


def _qwen3_vl(vision: ConfigKeys, hidden: int) -> int:
    width, inner = vision.whole("hidden_size"), vision.whole("intermediate_size")
    block = 4 * width + _linear(width, 3 * width) + _linear(width, width)
    block += _linear(width, inner) + _linear(inner, width)
    merged = width * vision.whole("spatial_merge_size") ** 2
    projection = _linear(merged, merged) + _linear(merged, hidden)
    taps = len(vision.wholes("deepstack_visual_indexes") or ())
    mergers = 2 * width + projection + taps * (2 * merged + projection)
    first = (_patches(vision, vision.whole("in_channels")) + 1) * width
    positions = vision.whole("num_position_embeddings") * width
    return first + positions + vision.whole("depth") * block + mergers


def _siglip(vision: ConfigKeys, hidden: int) -> int:
    width, inner = vision.whole("hidden_size"), vision.whole("intermediate_size")
    patch = vision.whole("patch_size")
    block = 4 * width + 4 * _linear(width, width)
    block += _linear(width, inner) + _linear(inner, width)
    first = _linear(3 * patch * patch, width) + (vision.whole("image_size") // patch) ** 2 * width
    last = 2 * width + width * hidden + width
    return first + vision.whole("num_hidden_layers") * block + last
