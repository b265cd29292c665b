"""The longest context of a model, and the length that vLLM takes when none is given."""

from __future__ import annotations

from dataclasses import dataclass

from mixvllm.models.config_keys import LARGEST_LENGTH, ConfigKeys

LENGTH_KEYS = (
    "max_position_embeddings",
    "n_positions",
    "max_seq_len",
    "seq_length",
    "model_max_length",
    "max_target_positions",
    "max_sequence_length",
    "max_seq_length",
    "seq_len",
)
# With these `max_position_embeddings` is the length after scaling.
SCALED_ALREADY = (
    "su",
    "longrope",
    "llama3",
    "yarn",
    "deepseek_yarn",
    "deepseek_llama_scaling",
)


@dataclass(frozen=True)
class ContextLength:
    """Lengths in tokens.

    Attributes:
        longest: The most that the config allows.
        default: What vLLM takes when none is asked for.
    """

    longest: int
    default: int


def context_length(text: ConfigKeys) -> ContextLength | None:
    """By vLLM's rule: the smallest of the keys that tell a length, times the RoPE's factor."""
    longest = _written(text)
    if longest is None:
        return None
    ropes = _rope_sections(text)
    if "gemma3" not in (text.text("model_type") or ""):
        longest = int(longest * _factor(ropes))
    if longest < 1 or longest > LARGEST_LENGTH:
        raise text.broken("rope_scaling", f"makes the context {longest} tokens long")
    default = longest
    if any(_kind(rope) in ("longrope", "su") for rope in ropes):
        default = min(
            longest,
            text.whole_or_none("original_max_position_embeddings", most=LARGEST_LENGTH) or longest,
        )
    return ContextLength(longest, default)


def _written(text: ConfigKeys) -> int | None:
    if (own := text.whole_or_none("model_max_length", most=LARGEST_LENGTH)) is not None:
        return own
    lengths = (text.whole_or_none(name, most=LARGEST_LENGTH) for name in LENGTH_KEYS)
    return min((length for length in lengths if length is not None), default=None)


def _rope_sections(text: ConfigKeys) -> list[ConfigKeys]:
    """The RoPE settings; newer configs have one for each type of layer."""
    found = []
    for name in ("rope_parameters", "rope_scaling"):
        if (rope := text.section(name)) is None:
            continue
        nested = [inner for key in rope.values if (inner := _inner(rope, key)) is not None]
        found.extend(nested or [rope])
    return found


def _inner(rope: ConfigKeys, name: str) -> ConfigKeys | None:
    return rope.section(name) if isinstance(rope.values[name], dict) else None


def _kind(rope: ConfigKeys) -> str:
    return rope.text("rope_type") or rope.text("type") or "default"


def _factor(ropes: list[ConfigKeys]) -> float:
    factor = 1.0
    for rope in ropes:
        if _kind(rope) not in SCALED_ALREADY:
            own = rope.number("factor")
            if own is not None and not 0 < own <= 1e6:
                raise rope.broken("factor", f"is {own:g}")
            factor = own or factor
    return factor
