"""The keys of a config.json: typed, bounded, and under whichever name a family writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from mixvllm.errors import ModelError

# Far above any model there is; beyond them a file is broken, and sums over it would not end.
LARGEST_SIZE: Final = 1 << 26
LARGEST_LAYER_COUNT: Final = 4096
LARGEST_LENGTH: Final = 1 << 31

# What the families call the same thing; the first name that is there counts.
OTHER_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "hidden_size": ("n_embd", "n_embed", "d_model"),
    "num_hidden_layers": ("n_layer", "n_layers", "num_layers", "decoder_layers"),
    "num_attention_heads": ("n_head", "n_heads", "decoder_attention_heads"),
    "num_key_value_heads": (
        "n_head_kv",
        "num_kv_heads",
        "multi_query_group_num",
        "num_attention_groups",
    ),
    "head_dim": ("kv_channels",),
    "max_position_embeddings": ("n_positions",),
    "vocab_size": ("padded_vocab_size", "embedding_size"),
    "num_experts": ("moe_num_experts", "n_routed_experts", "num_local_experts"),
    "intermediate_size": ("n_inner", "ffn_hidden_size", "ffn_dim", "ff_intermediate_size"),
}
_ABSENT: Final = object()


@dataclass(frozen=True)
class ConfigKeys:
    """One object of a config.json.

    Attributes:
        values: What the file has.
        path: Where in the file the object stands, for messages (`text_config.`).
        defaults: What the family's configuration class gives where the file has nothing.
    """

    values: Mapping[str, object]
    path: str = ""
    defaults: Mapping[str, object] = field(default_factory=dict)

    def get(self, name: str) -> object:
        """The value under any of its names, or the family's default; None where all are absent."""
        for spelling in (name, *OTHER_NAMES.get(name, ())):
            value = self.values.get(spelling, _ABSENT)
            if value is not _ABSENT and value is not None:
                return value
        # An explicit null switches the class default off.
        return None if name in self.values else self.defaults.get(name)

    def whole(self, name: str, *, least: int = 1, most: int = LARGEST_SIZE) -> int:
        """A whole number that must be there."""
        value = self.whole_or_none(name, least=least, most=most)
        if value is None:
            raise self.broken(name, "is missing")
        return value

    def whole_or_none(self, name: str, *, least: int = 1, most: int = LARGEST_SIZE) -> int | None:
        """A whole number, or None where it is absent or null."""
        value = self.get(name)
        if value is None:
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.broken(name, f"is {_shown(value)}, not a whole number")
        if not least <= value <= most:
            raise self.broken(name, f"is {_shown(value)}, not within {least} to {most}")
        return value

    def number(self, name: str) -> float | None:
        """A finite number, or None where it is absent or null."""
        value = self.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.broken(name, f"is {_shown(value)}, not a number")
        if not abs(value) < 1e12:
            raise self.broken(name, f"is {_shown(value)}, out of all bounds")
        return float(value)

    def flag(self, name: str) -> bool:
        """A boolean; absent and null are false."""
        value = self.get(name)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise self.broken(name, f"is {_shown(value)}, neither true nor false")
        return value

    def text(self, name: str) -> str | None:
        """A string, or None where it is absent or null."""
        value = self.get(name)
        if value is not None and not isinstance(value, str):
            raise self.broken(name, f"is {_shown(value)}, not a text")
        return value

    def texts(self, name: str) -> tuple[str, ...] | None:
        """A list of strings, or None where it is absent or null."""
        value = self._list(name)
        if value is None:
            return None
        if not all(isinstance(item, str) for item in value):
            raise self.broken(name, "is not a list of texts")
        return tuple(item for item in value if isinstance(item, str))

    def wholes(self, name: str) -> tuple[int, ...] | None:
        """A list of whole numbers (true and false are 1 and 0), or None where it is absent."""
        value = self._list(name)
        if value is None:
            return None
        numbers = tuple(int(item) for item in value if isinstance(item, int))
        if len(numbers) != len(value) or not all(0 <= n <= LARGEST_SIZE for n in numbers):
            raise self.broken(name, "is not a list of whole numbers")
        return numbers

    def section(self, name: str) -> ConfigKeys | None:
        """An object inside this one, or None where it is absent or null."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise self.broken(name, f"is {_shown(value)}, not an object")
        return ConfigKeys(value, f"{self.path}{name}.")

    def sections(self, name: str) -> tuple[ConfigKeys, ...] | None:
        """A list of objects, or None where it is absent or null."""
        value = self._list(name)
        if value is None:
            return None
        if not all(isinstance(item, Mapping) for item in value):
            raise self.broken(name, "is not a list of objects")
        return tuple(
            ConfigKeys(item, f"{self.path}{name}[{index}].")
            for index, item in enumerate(value)
            if isinstance(item, Mapping)
        )

    def layer_count(self) -> int:
        """How many layers the decoder has; Nemotron 3 Ultra only lists them."""
        if self.get("num_hidden_layers") is None and (kinds := self.texts("layers_block_type")):
            return len(kinds)
        return self.whole("num_hidden_layers", most=LARGEST_LAYER_COUNT)

    def per_layer_texts(self, name: str, count: int) -> tuple[str, ...] | None:
        """A list with a text for every layer; what it has beyond them is cut off."""
        value = self.texts(name)
        if value is not None and len(value) < count:
            raise self.broken(name, f"names {len(value)} layers of {count}")
        return None if value is None else value[:count]

    def per_layer_wholes(self, name: str, count: int) -> tuple[int, ...] | None:
        """A list with a whole number for every layer; what it has beyond them is cut off."""
        value = self.wholes(name)
        if value is not None and len(value) < count:
            raise self.broken(name, f"names {len(value)} layers of {count}")
        return None if value is None else value[:count]

    def with_defaults(self, defaults: Mapping[str, object]) -> ConfigKeys:
        """The same keys with a family's defaults under them."""
        return ConfigKeys(self.values, self.path, {**defaults, **self.defaults})

    def without(self, name: str) -> ConfigKeys:
        """The same keys but one, which whoever serves the model does not read."""
        values = {key: value for key, value in self.values.items() if key != name}
        return ConfigKeys(values, self.path, self.defaults)

    def broken(self, name: str, what: str) -> ModelError:
        """The error that names a key and what is wrong with it."""
        return ModelError(
            f"The model's config is broken: `{self.path}{name}` {what}.",
            hint="Compare the file with the one that its publisher has.",
        )

    def _list(self, name: str) -> list[object] | None:
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, list | tuple):
            raise self.broken(name, f"is {_shown(value)}, not a list")
        if len(value) > LARGEST_LAYER_COUNT:
            raise self.broken(name, f"has {len(value)} entries")
        return list(value)


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # whole numbers of more than 4300 digits have no text
        return "a number of absurd size"
    return text if len(text) <= 40 else f"{text[:37]}..."
