"""Where a value came from: the layers, whose order is the precedence, and places in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any


class Layer(IntEnum):
    """The four layers; a higher one wins."""

    DEFAULT = 0
    YAML = 1
    COMMAND_LINE = 2
    ENVIRONMENT = 3

    @property
    def label(self) -> str:
        """The layer's name in messages and JSON: `command line`."""
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True)
class Origin:
    """One place in one layer.

    Attributes:
        layer: The layer.
        name: The variable or the flag as it was written; for defaults, whose they are.
        file: The config file as the user named it.
        line: 1-based line in the file.
        column: 1-based column in the file.
        profile: The profile that the value stands in.
        source_line: The text of the line in the file.
    """

    layer: Layer
    name: str | None = None
    file: str | None = None
    line: int | None = None
    column: int | None = None
    profile: str | None = None
    source_line: str | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        """The origin as `config show` prints it."""
        match self.layer:
            case Layer.ENVIRONMENT:
                return f"environment {self.name}"
            case Layer.COMMAND_LINE:
                return str(self.name)
            case Layer.YAML:
                place = f"{self.file}:{self.line}:{self.column}"
                return f"{place} (profile {self.profile})" if self.profile else place
            case Layer.DEFAULT:
                return f"default ({self.name})" if self.name else "default"


@dataclass(frozen=True)
class Given:
    """A value that a layer gives for a key.

    Attributes:
        key: The canonical key (`inference.tensor_parallel_size`, `vllm.tool_call_parser`).
        written: The key as the user wrote it (`inference.gpus`).
        value: The value as the layer holds it; None means "unset", which hides lower layers.
        origin: Where it stands.
    """

    key: str
    written: str
    value: Any
    origin: Origin


def given_by_flag(key: str, written: str, value: Any) -> Given:
    """A flag's value for a key; the word `null` is unset."""
    unset = isinstance(value, str) and value.lower() == "null"
    return Given(key, written, None if unset else value, Origin(Layer.COMMAND_LINE, name=written))
