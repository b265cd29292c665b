"""Parameters of the encoders for pictures whose layout is known here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

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
# What ranks copy of a block, in widths: two norms with biases, and two biases of the ways out.
BLOCK_WIDTHS = 6
QWEN3_VL = frozenset(
    {
        "Qwen3VLForConditionalGeneration",
        "Qwen3VLMoeForConditionalGeneration",
        "Qwen3_5ForConditionalGeneration",
        "Qwen3_5MoeForConditionalGeneration",
    }
)


@dataclass(frozen=True)
class EncoderCount:
    """An encoder with its projector.

    Attributes:
        total: All its parameters.
        whole: Of them what every tensor-parallel rank has whole: positions, the first convolution,
            norms, biases after a row-parallel matrix, and what vLLM does not divide.
    """

    total: int
    whole: int


def encoder_count(root: ConfigKeys, architecture: str, hidden: int) -> EncoderCount | None:
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


def _block(width: int, inner: int) -> int:
    """A block with two norms, attention and two matrices after it, all with biases."""
    return 4 * width + 4 * _linear(width, width) + _linear(width, inner) + _linear(inner, width)


def _encoder(whole: int, others: int = 0, whole_of_others: int = 0) -> EncoderCount:
    return EncoderCount(whole + others, whole + whole_of_others)


def _qwen2_vl(vision: ConfigKeys, hidden: int) -> EncoderCount:
    width = vision.whole("embed_dim")
    blocks = vision.whole("depth") * _block(width, width * vision.whole("mlp_ratio"))
    merged = width * vision.whole("spatial_merge_size") ** 2
    merger = _linear(merged, merged) + merged * hidden
    whole = _patches(vision, vision.whole("in_chans")) * width + 2 * width + hidden
    return _encoder(whole, blocks + merger, vision.whole("depth") * BLOCK_WIDTHS * width)


def _qwen2_5_vl(vision: ConfigKeys, hidden: int) -> EncoderCount:
    width, inner = vision.whole("hidden_size"), vision.whole("intermediate_size")
    block = 2 * width + _linear(width, 3 * width) + _linear(width, width)
    block += 2 * _linear(width, inner) + _linear(inner, width)
    merged = width * vision.whole("spatial_merge_size") ** 2
    merger = _linear(merged, merged) + merged * hidden
    whole = _patches(vision, vision.whole("in_chans")) * width + width + hidden
    depth = vision.whole("depth")
    return _encoder(whole, depth * block + merger, depth * 4 * width)


def _qwen3_vl(vision: ConfigKeys, hidden: int) -> EncoderCount:
    width, depth = vision.whole("hidden_size"), vision.whole("depth")
    blocks = depth * _block(width, vision.whole("intermediate_size"))
    merged = width * vision.whole("spatial_merge_size") ** 2
    taps = len(vision.wholes("deepstack_visual_indexes") or ())
    mergers = (1 + taps) * (_linear(merged, merged) + merged * hidden)
    whole = (_patches(vision, vision.whole("in_channels")) + 1) * width
    whole += vision.whole("num_position_embeddings") * width
    whole += 2 * width + hidden + taps * (2 * merged + hidden)
    return _encoder(whole, blocks + mergers, depth * BLOCK_WIDTHS * width)


def _siglip(vision: ConfigKeys, hidden: int) -> EncoderCount:
    width, layers = vision.whole("hidden_size"), vision.whole("num_hidden_layers")
    patch = vision.whole("patch_size")
    first = _linear(3 * patch * patch, width) + (vision.whole("image_size") // patch) ** 2 * width
    last = 2 * width + width * hidden + width
    blocks = layers * _block(width, vision.whole("intermediate_size"))
    return _encoder(first + last, blocks, layers * BLOCK_WIDTHS * width)


def _gemma4(vision: ConfigKeys, hidden: int) -> EncoderCount:
    """Its matrices are those of transformers: none is divided."""
    width, inner = vision.whole("hidden_size"), vision.whole("intermediate_size")
    block = 4 * width * width + 3 * width * inner + 4 * width + 2 * vision.whole("head_dim")
    first = 3 * vision.whole("patch_size") ** 2 * width
    positions = 2 * vision.whole("position_embedding_size") * width
    return _encoder(first + positions + vision.whole("num_hidden_layers") * block + width * hidden)


def _llama4(vision: ConfigKeys, hidden: int) -> EncoderCount:
    width, inner = vision.whole("hidden_size"), vision.whole("intermediate_size")
    layers, patch = vision.whole("num_hidden_layers"), vision.whole("patch_size")
    tokens = (vision.whole("image_size") // patch) ** 2 + 1
    projector = vision.whole("projector_input_dim")
    divided = 3 * patch * patch * width + layers * _block(width, inner)
    divided += inner * projector + projector * vision.whole("projector_output_dim")
    divided += vision.whole("vision_output_dim") * hidden
    return _encoder(width * (1 + tokens) + 4 * width, divided, layers * BLOCK_WIDTHS * width)


def _glm4v(vision: ConfigKeys, hidden: int) -> EncoderCount:
    width, inner = vision.whole("hidden_size"), vision.whole("intermediate_size")
    out, merge = vision.whole("out_hidden_size"), vision.whole("spatial_merge_size")
    # Its blocks are as wide inside as the language part, its merger as `intermediate_size`.
    block = 2 * width + 4 * width * width + 3 * width * out
    whole = (_patches(vision, 3) + 1) * width + 2 * width
    whole += (vision.whole("image_size") // vision.whole("patch_size")) ** 2 * width
    whole += _linear(width * merge * merge, out) + 2 * hidden
    merger = out * hidden + 3 * hidden * inner
    depth = vision.whole("depth")
    return _encoder(whole, depth * block + merger, depth * 2 * width)


def _moon(vision: ConfigKeys, hidden: int) -> EncoderCount:
    width, layers = vision.whole("vt_hidden_size"), vision.whole("vt_num_hidden_layers")
    first = _linear(3 * vision.whole("patch_size") ** 2, width)
    positions = vision.whole("init_pos_emb_height") * vision.whole("init_pos_emb_width") * width
    merged = 4 * width
    projector = 2 * width + _linear(merged, merged) + _linear(merged, hidden)
    blocks = layers * _block(width, vision.whole("vt_intermediate_size"))
    whole = first + positions + 2 * width + projector
    return _encoder(whole, blocks, layers * BLOCK_WIDTHS * width)


def _minimax_m3(vision: ConfigKeys, hidden: int) -> EncoderCount:
    width, layers = vision.whole("hidden_size"), vision.whole("num_hidden_layers")
    pieces = vision.section("img_token_compression_config") or ConfigKeys({})
    frames = pieces.whole_or_none("temporal_patch_size") or 2
    merge = pieces.whole_or_none("spatial_merge_size") or 2
    blocks = layers * _block(width, vision.whole("intermediate_size"))
    projector = _linear(width, hidden) + hidden * hidden
    merger = _linear(hidden * merge * merge, hidden) + hidden * hidden
    whole = 3 * frames * vision.whole("patch_size") ** 2 * width + 2 * width + 2 * hidden
    return _encoder(whole, blocks + projector + merger, layers * BLOCK_WIDTHS * width)


def _pixtral(vision: ConfigKeys, hidden: int) -> EncoderCount:
    width, inner = vision.whole("hidden_size"), vision.whole("intermediate_size")
    layers = vision.whole("num_hidden_layers")
    block = 4 * width * width + 3 * width * inner + 2 * width
    merger = vision.whole("spatial_merge_size") ** 2 * width * width
    whole = 3 * vision.whole("patch_size") ** 2 * width + 2 * width + merger
    divided = layers * block + width * hidden + hidden * hidden
    return _encoder(whole, divided, layers * 2 * width)


def _muse(vision: ConfigKeys, hidden: int) -> EncoderCount:
    """Only the projections of its attention are divided."""
    width, inner = vision.whole("hidden_size"), vision.whole("intermediate_size")
    layers = vision.whole("num_hidden_layers")
    divided = _linear(width, 3 * width) + width * width
    block = _block(width, inner) - divided
    pixels = 3 * vision.whole("patch_temporal") * vision.whole("patch_size") ** 2
    first = (pixels + vision.whole("max_position_embeddings")) * width + 4 * width
    merged, projected = width * vision.whole("merge_size") ** 2, vision.whole("projector_size")
    adapter = merged * projected + projected * projected + projected * hidden
    return _encoder(first + layers * block + adapter, layers * divided)


def _minicpm_v4_6(vision: ConfigKeys, hidden: int) -> EncoderCount:
    width, inner = vision.whole("hidden_size"), vision.whole("intermediate_size")
    layers, patch = vision.whole("num_hidden_layers"), vision.whole("patch_size")
    first = _linear(3 * patch * patch, width) + (vision.whole("image_size") // patch) ** 2 * width
    # Four patches become one, within the encoder and once more after it.
    merged = 4 * width
    attention = _linear(width, 3 * width) + width * width
    within = 2 * merged + _linear(merged, 4 * inner) + _linear(4 * inner, width)
    after = 2 * merged + _linear(merged, merged) + _linear(merged, hidden)
    whole = first + 2 * width + 3 * width + within + after
    blocks = layers * _block(width, inner)
    return _encoder(whole, blocks + attention, layers * BLOCK_WIDTHS * width)


ENCODERS: Mapping[str, tuple[Callable[[ConfigKeys, int], EncoderCount], Mapping[str, object]]] = {
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
