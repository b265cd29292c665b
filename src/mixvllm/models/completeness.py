"""Whether a model's directory has every file that vLLM will load."""

from __future__ import annotations

from pathlib import Path

from mixvllm.errors import ModelError
from mixvllm.models.safetensors_header import read_file
from mixvllm.models.sources.local import INDEX, read_object, shards

# What vLLM loads weights from, and what a tokenizer is made of, in any of its forms.
WEIGHTS = ("*.safetensors", "*.bin", "*.pt", "*.gguf")
TOKENIZER = (
    "tokenizer*",
    "tokenization_*.py",
    "vocab*",
    "merges.txt",
    "tekken.json",
    "*.model",
    "*.tiktoken",
)
MOST_NAMED = 3
AGAIN = "Fetch the model again: an interrupted download looks like this."


def check_weights(directory: Path) -> None:
    """Check that the weights are there, and that no safetensors file is cut short.

    Raises:
        ModelError: something is missing or broken.
    """
    index = directory / INDEX
    if index.exists():
        files = shards(read_object(index), str(index))
        missing = [name for name in files if not (directory / name).exists()]
        if missing:
            raise ModelError(
                f"{directory} lacks {len(missing)} of its {len(files)} files of weights: "
                f"{_some(missing)}.",
                hint=AGAIN,
                code="model-incomplete",
            )
    elif not _has(directory, WEIGHTS):
        raise ModelError(
            f"{directory} has no weights (safetensors, bin, pt or gguf).",
            hint=f"{AGAIN} `-- --load-format dummy` serves random weights.",
            code="model-incomplete",
        )
    for file in sorted(directory.glob("*.safetensors")):
        read_file(file)


def check_tokenizer(directory: Path) -> None:
    """Check that the directory has a tokenizer of some kind.

    Raises:
        ModelError: it has none.
    """
    if not _has(directory, TOKENIZER):
        raise ModelError(
            f"{directory} has no tokenizer (tokenizer.json, tokenizer.model, ...).",
            hint="Put its files there, or name another: `-- --tokenizer OWNER/NAME`.",
            code="tokenizer-missing",
        )


def _has(directory: Path, patterns: tuple[str, ...]) -> bool:
    return any(True for pattern in patterns for _ in directory.glob(pattern))


def _some(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
