"""Weights from the tensors that files hold, each put into its group by its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from mixvllm.models.safetensors_header import Tensor
from mixvllm.models.weights.groups import WeightFacts, WeightGroup, WeightSource

# The first row whose pattern is found in a tensor's name decides.
NAMES: Final[tuple[tuple[WeightGroup, str], ...]] = (
    ("draft", r"^mtp\.|\.mtp\.|nextn"),
    (
        "inputs",
        r"wpe\.|embed_positions|pos_emb|position(al)?_embedding|patch_(embed|conv|merger)|"
        r"mm_input_projection|visual\.downsample|vision_tower\..*\.linear\.weight|embed_vision|"
        r"mm_projector\.linear|vit_merger\.linear|merger\.mlp\.\d+\.linear",
    ),
    (
        "encoder",
        r"visual|vision|audio|multi_modal|mm_projector|img_processor|image_newline|"
        r"(^|\.)(vpm|vit_merger|merger)\.",
    ),
    ("lm_head", r"^(.*\.)?(lm_head|embed_out|output_layer)\."),
    (
        "embeddings",
        r"embed_tokens|wte|word_embeddings|tok_embeddings|embed_in\.|\.embedding\.|embeddings\.",
    ),
    ("copied", r"latent_proj"),
    ("experts", r"\.experts\.|expert_weights"),
    ("routers", r"router|\.gate\.|e_score_correction_bias|shared_expert_gate"),
    ("latent", r"\.(q_a|kv_a)_|indexer|fused_qkv_a"),
    ("recurrent", r"mamba|linear_attn|ssm|conv1d|\.conv\.|A_log|dt_bias|kda"),
    ("recurrent", r"mixer\.(D$|norm\.|in_proj|out_proj)"),
    ("norms", r"norm|\.ln_|ln_f|\.ln1|\.ln2"),
    ("attention", r"attn|attention|\.[qkvo]_proj\.|qkv|sinks"),
)
PATTERNS: Final = tuple((group, re.compile(pattern)) for group, pattern in NAMES)
KV_PROJECTION: Final = re.compile(r"\.[kv]_proj\.")
FUSED_QKV: Final = re.compile(r"qkv|c_attn|query_key_value|W_pack|Wqkv")
LAYER_NUMBER: Final = re.compile(r"\.(?:layers|h|blocks)\.(\d+)\.")
WHOLE_NUMBER_FORMATS: Final = ("F64", "F32", "F16", "BF16")


def weights_from_tensors(
    tensors: Mapping[str, Tensor], layer_count: int, *, is_tied: bool, source: WeightSource
) -> WeightFacts:
    """The weights that files hold.

    Args:
        tensors: All tensors of all files.
        layer_count: Decoder layers; a tensor of a later layer belongs to a draft.
        is_tied: Whether the output shares the embedding; a head stored all the same is not
            loaded.
        source: Where the tensors come from.
    """
    groups: dict[WeightGroup, int] = {}
    parameters = kv_bytes = 0
    packed = fused = False
    for name, tensor in tensors.items():
        group = group_of(name, layer_count)
        if group == "lm_head" and is_tied:
            continue
        groups[group] = groups.get(group, 0) + tensor.size_bytes
        if group == "draft":
            continue
        parameters += tensor.elements
        packed = packed or tensor.number_format not in WHOLE_NUMBER_FORMATS
        fused = fused or (group == "attention" and FUSED_QKV.search(name) is not None)
        if group == "attention" and KV_PROJECTION.search(name):
            kv_bytes += tensor.size_bytes
    return WeightFacts(
        total_bytes=sum(size for group, size in groups.items() if group != "draft"),
        source=source,
        groups=groups,
        kv_projection_bytes=None if fused else kv_bytes,
        parameters=None if packed else parameters,
    )


def group_of(name: str, layer_count: int) -> WeightGroup:
    """The group of a tensor by its name; what nothing else claims belongs to the MLP."""
    found: WeightGroup = next((group for group, pattern in PATTERNS if pattern.search(name)), "mlp")
    number = LAYER_NUMBER.search(name)
    if found not in ("encoder", "inputs") and number and int(number[1]) >= layer_count:
        return "draft"
    return found
