"""A model directory that vLLM serves with random weights: two layers, heads that divide by two."""

import json
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers

WORDS = 1000
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": WORDS,
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "max_position_embeddings": 2048,
    "torch_dtype": "float32",
    "rms_norm_eps": 1e-6,
    "hidden_act": "silu",
    "tie_word_embeddings": False,
    "bos_token_id": 0,
    "eos_token_id": 1,
}
# What makes vLLM give random values to the weights in place of reading them.
RANDOM_WEIGHTS = ("--", "--load-format", "dummy")


def make_tiny_model(directory: Path) -> Path:
    """Write the config and a tokenizer whose words are numbers."""
    directory.mkdir()
    (directory / "config.json").write_text(json.dumps(CONFIG))
    words = Tokenizer(models.WordLevel({str(word): word for word in range(WORDS)}, unk_token="2"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.save(str(directory / "tokenizer.json"))
    kind = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "0", "eos_token": "1"}
    (directory / "tokenizer_config.json").write_text(json.dumps(kind))
    return directory
