"""Parameters of the encoders for pictures whose layout is known here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

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
_GEMMA4 = {
    "num_hidden_layers": 27,
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "head_dim": 72,
    "patch_size": 16,
    "position_embedding_size": 10240,
}
_LLAMA4 = {
    "num_hidden_layers": 34,
    "hidden_size": 768,
    "intermediate_size": 5632,
    "image_size": 448,
    "patch_size": 14,
    "projector_input_dim": 4096,
    "projector_output_dim": 4096,
    "vision_output_dim": 7680,
}
_GLM4V = {
    "depth": 24,
    "hidden_size": 1536,
    "out_hidden_size": 4096,
    "intermediate_size": 13696,
    "image_size": 336,
    "patch_size": 14,
    "temporal_patch_size": 2,
    "spatial_merge_size": 2,
}
_MOON = {
    "vt_num_hidden_layers": 27,
    "vt_hidden_size": 1152,
    "vt_intermediate_size": 4304,
    "patch_size": 14,
    "init_pos_emb_height": 64,
    "init_pos_emb_width": 64,
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
    if vision is None or root.section("audio_config") is not None:
        return None
    known = ENCODERS.get("Qwen3VL" if architecture in QWEN3_VL else architecture)
    if known is None:
        return None
    count, defaults = known
    return count(vision.with_defaults(defaults), hidden)


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


def _gemma4(vision: ConfigKeys, hidden: int) -> int:
    width, inner = vision.whole("hidden_size"), vision.whole("intermediate_size")
    block = 4 * width * width + 3 * width * inner + 4 * width + 2 * vision.whole("head_dim")
    first = 3 * vision.whole("patch_size") ** 2 * width
    positions = 2 * vision.whole("position_embedding_size") * width
    return first + positions + vision.whole("num_hidden_layers") * block + width * hidden


def _llama4(vision: ConfigKeys, hidden: int) -> int:
    width, inner = vision.whole("hidden_size"), vision.whole("intermediate_size")
    patch = vision.whole("patch_size")
    block = 4 * width + 4 * _linear(width, width)
    block += _linear(width, inner) + _linear(inner, width)
    tokens = (vision.whole("image_size") // patch) ** 2 + 1
    first = width * (1 + tokens + 3 * patch * patch) + 4 * width
    projector = vision.whole("projector_input_dim")
    adapter = inner * projector + projector * vision.whole("projector_output_dim")
    last = vision.whole("vision_output_dim") * hidden
    return first + vision.whole("num_hidden_layers") * block + adapter + last


def _glm4v(vision: ConfigKeys, hidden: int) -> int:
    width, inner = vision.whole("hidden_size"), vision.whole("intermediate_size")
    out, merge = vision.whole("out_hidden_size"), vision.whole("spatial_merge_size")
    # Its blocks are as wide inside as the language part, its merger as `intermediate_size`.
    block = 2 * width + 4 * width * width + 3 * width * out
    first = (_patches(vision, 3) + 1) * width + 2 * width
    positions = (vision.whole("image_size") // vision.whole("patch_size")) ** 2 * width
    down = _linear(width * merge * merge, out)
    merger = out * hidden + 2 * hidden + 3 * hidden * inner
    return first + positions + vision.whole("depth") * block + down + merger


def _moon(vision: ConfigKeys, hidden: int) -> int:
    width, inner = vision.whole("vt_hidden_size"), vision.whole("vt_intermediate_size")
    block = 4 * width + 4 * _linear(width, width)
    block += _linear(width, inner) + _linear(inner, width)
    first = _linear(3 * vision.whole("patch_size") ** 2, width)
    positions = vision.whole("init_pos_emb_height") * vision.whole("init_pos_emb_width") * width
    merged = 4 * width
    projector = 2 * width + _linear(merged, merged) + _linear(merged, hidden)
    return first + positions + vision.whole("vt_num_hidden_layers") * block + 2 * width + projector


def _minimax_m3(vision: ConfigKeys, hidden: int) -> int:
    width, inner = vision.whole("hidden_size"), vision.whole("intermediate_size")
    pieces = vision.section("img_token_compression_config") or ConfigKeys({})
    frames = pieces.whole_or_none("temporal_patch_size") or 2
    merge = pieces.whole_or_none("spatial_merge_size") or 2
    block = 4 * width + 4 * _linear(width, width)
    block += _linear(width, inner) + _linear(inner, width)
    first = 3 * frames * vision.whole("patch_size") ** 2 * width + 2 * width
    projector = _linear(width, hidden) + _linear(hidden, hidden)
    merger = _linear(hidden * merge * merge, hidden) + _linear(hidden, hidden)
    return first + vision.whole("num_hidden_layers") * block + projector + merger


def _pixtral(vision: ConfigKeys, hidden: int) -> int:
    width, inner = vision.whole("hidden_size"), vision.whole("intermediate_size")
    block = 4 * width * width + 3 * width * inner + 2 * width
    first = 3 * vision.whole("patch_size") ** 2 * width + width
    merger = vision.whole("spatial_merge_size") ** 2 * width * width
    projector = width + merger + width * hidden + hidden * hidden
    return first + vision.whole("num_hidden_layers") * block + projector


def _muse(vision: ConfigKeys, hidden: int) -> int:
    width, inner = vision.whole("hidden_size"), vision.whole("intermediate_size")
    block = 4 * width + 4 * _linear(width, width)
    block += _linear(width, inner) + _linear(inner, width)
    pixels = 3 * vision.whole("patch_temporal") * vision.whole("patch_size") ** 2
    first = (pixels + vision.whole("max_position_embeddings")) * width + 4 * width
    merged, projected = width * vision.whole("merge_size") ** 2, vision.whole("projector_size")
    adapter = merged * projected + projected * projected + projected * hidden
    return first + vision.whole("num_hidden_layers") * block + adapter


def _minicpm_v4_6(vision: ConfigKeys, hidden: int) -> int:
    width, inner = vision.whole("hidden_size"), vision.whole("intermediate_size")
    patch = vision.whole("patch_size")
    attention = 2 * width + 4 * _linear(width, width)
    block = attention + 2 * width + _linear(width, inner) + _linear(inner, width)
    first = _linear(3 * patch * patch, width) + (vision.whole("image_size") // patch) ** 2 * width
    # Four patches become one, within the encoder and once more after it.
    merged = 4 * width
    within = attention + 2 * merged + _linear(merged, 4 * inner) + _linear(4 * inner, width)
    after = 2 * merged + _linear(merged, merged) + _linear(merged, hidden)
    return first + vision.whole("num_hidden_layers") * block + 2 * width + within + after


ENCODERS: Mapping[str, tuple[Callable[[ConfigKeys, int], int], Mapping[str, object]]] = {
    "Qwen2VLForConditionalGeneration": (_qwen2_vl, _QWEN2_VL),
    "Qwen2_5_VLForConditionalGeneration": (_qwen2_5_vl, _QWEN2_5_VL),
    "Qwen3VL": (_qwen3_vl, _QWEN3_VL),
    "Gemma3ForConditionalGeneration": (_siglip, _SIGLIP),
    "Gemma4ForConditionalGeneration": (_gemma4, _GEMMA4),
    "Llama4ForConditionalGeneration": (_llama4, _LLAMA4),
    "Glm4vForConditionalGeneration": (_glm4v, _GLM4V),
    "KimiK25ForConditionalGeneration": (_moon, _MOON),
    "MiniCPMV4_6ForConditionalGeneration": (_minicpm_v4_6, {}),
    "MiniMaxM3SparseForConditionalGeneration": (_minimax_m3, {}),
    "Mistral3ForConditionalGeneration": (_pixtral, {"spatial_merge_size": 2}),
    "MuseGlimmerForConditionalGeneration": (_muse, {"projector_size": 4096}),
}
