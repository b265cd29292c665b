"""Turn the embedded GGUF into a checkpoint that vLLM serves: `python -m ... SOURCE DESTINATION`.

Runs as a process of its own (`mixvllm.models.demo_model` starts it), so that numpy, tokenizers and
half a gigabyte of weights never enter the caller. transformers reads the file as well, to the same
weights and tokens; without it and torch the whole takes a third of the time.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gguf import GGUFReader
    from numpy.typing import NDArray

OUTER_TENSORS = {"token_embd": "model.embed_tokens", "output_norm": "model.norm"}
LAYER_TENSORS = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
# The kind that GGUF gives to tokens which stand for no text.
CONTROL_TOKEN = 3


def convert(source: Path, destination: Path) -> Iterator[str]:
    """Write the checkpoint into an existing directory, telling each step before it is done."""
    from gguf import GGUFReader

    yield "reading the embedded model"
    reader = GGUFReader(source)
    config = model_config(reader)
    _write_json(destination / "config.json", config)
    _write_json(
        destination / "generation_config.json",
        {key: config[key] for key in ("bos_token_id", "eos_token_id", "pad_token_id")},
    )
    yield "writing the tokenizer"
    _write_tokenizer(reader, config, destination)
    yield "unpacking the weights"
    _write_weights(reader, config, destination / "model.safetensors")


def model_config(reader: GGUFReader) -> dict[str, Any]:
    """The `config.json` that the file's own metadata describe."""
    heads = _field(reader, "llama.attention.head_count")
    hidden = _field(reader, "llama.embedding_length")
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": _field(reader, "llama.vocab_size"),
        "hidden_size": hidden,
        "intermediate_size": _field(reader, "llama.feed_forward_length"),
        "num_hidden_layers": _field(reader, "llama.block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": _field(reader, "llama.attention.head_count_kv"),
        "head_dim": hidden // heads,
        "max_position_embeddings": _field(reader, "llama.context_length"),
        "rms_norm_eps": round(_field(reader, "llama.attention.layer_norm_rms_epsilon"), 9),
        "rope_theta": _field(reader, "llama.rope.freq_base"),
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": True,
        "torch_dtype": "float16",
        "bos_token_id": _field(reader, "tokenizer.ggml.bos_token_id"),
        "eos_token_id": _field(reader, "tokenizer.ggml.eos_token_id"),
        "pad_token_id": _field(reader, "tokenizer.ggml.padding_token_id"),
    }


def _write_tokenizer(reader: GGUFReader, config: dict[str, Any], destination: Path) -> None:
    """Rebuild the byte-level BPE with SmolLM's splitting of numbers into digits."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    tokens: list[str] = _field(reader, "tokenizer.ggml.tokens")
    kinds: list[int] = _field(reader, "tokenizer.ggml.token_type")
    merges: list[str] = _field(reader, "tokenizer.ggml.merges")
    vocabulary = {token: index for index, token in enumerate(tokens)}
    pairs = [(left, right) for left, _, right in (merge.partition(" ") for merge in merges)]
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=pairs))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(
        [
            AddedToken(token, special=True, normalized=False)
            for token, kind in zip(tokens, kinds, strict=True)
            if kind == CONTROL_TOKEN
        ]
    )
    (destination / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")
    described = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": config["max_position_embeddings"],
        "clean_up_tokenization_spaces": False,
        "bos_token": tokens[config["bos_token_id"]],
        "eos_token": tokens[config["eos_token_id"]],
        "pad_token": tokens[config["pad_token_id"]],
        "unk_token": tokens[_field(reader, "tokenizer.ggml.unknown_token_id")],
        "chat_template": _field(reader, "tokenizer.chat_template"),
    }
    _write_json(destination / "tokenizer_config.json", described)


def _write_weights(reader: GGUFReader, config: dict[str, Any], path: Path) -> None:
    """Unpack every tensor to float16: half of float32's size, and finer than the 4-bit source."""
    import numpy
    from gguf import dequantize
    from safetensors.numpy import save_file

    heads = {
        "attn_q": config["num_attention_heads"],
        "attn_k": config["num_key_value_heads"],
    }
    weights = {}
    for tensor in reader.tensors:
        values = dequantize(tensor.data, tensor.tensor_type).astype(numpy.float16)
        kind = tensor.name.split(".")[-2]
        weights[tensor_name(tensor.name)] = (
            unpermute(values, heads[kind]) if kind in heads else values
        )
    save_file(weights, path, metadata={"format": "pt"})


def tensor_name(name: str) -> str:
    """The name that Hugging Face's Llama gives to one of llama.cpp's tensors."""
    match name.split("."):
        case ["blk", layer, kind, suffix]:
            return f"model.layers.{layer}.{LAYER_TENSORS[kind]}.{suffix}"
        case [kind, suffix]:
            return f"{OUTER_TENSORS[kind]}.{suffix}"
        case _:
            raise ValueError(f"unexpected tensor {name}")


def unpermute(values: NDArray[Any], heads: int) -> NDArray[Any]:
    """Undo llama.cpp's interleaving of each head's two rotary halves."""
    import numpy

    rows, columns = values.shape
    halves = values.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2)
    return numpy.ascontiguousarray(halves.reshape(rows, columns))


def _field(reader: GGUFReader, name: str) -> Any:
    field = reader.get_field(name)
    if field is None:
        raise ValueError(f"the GGUF file has no {name}")
    return field.contents()


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for step in convert(Path(sys.argv[1]), Path(sys.argv[2])):
        sys.stdout.write(f"{step}\n")
        sys.stdout.flush()
