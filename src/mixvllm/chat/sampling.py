"""How answers are drawn: what the user set, checked by the ranges of `generation_defaults`."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from mixvllm.errors import ChatError
from mixvllm.settings.fields import fields_by_key
from mixvllm.settings.names import nearest
from mixvllm.settings.origin import Layer
from mixvllm.settings.problems import expected, show_value
from mixvllm.settings.validate import typed_value

SECTION = "generation_defaults"
UNSET = frozenset({"", "unset", "null", "none", "default"})
STOP = "stop"
SEED = "seed"


@dataclass(frozen=True)
class Sampling:
    """Sampling values; None leaves the choice to the server.

    Attributes:
        stop: Texts that end an answer.
        seed: Makes answers repeatable.
    """

    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    top_k: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()

    def as_body(self) -> dict[str, Any]:
        """The fields of a request that were set."""
        given = {name: getattr(self, name) for name in NAMES}
        return {
            name: list(value) if name == STOP else value
            for name, value in given.items()
            if value not in (None, ())
        }

    def with_text(self, name: str, text: str) -> Sampling:
        """The same with one value set from text; `unset` leaves it to the server again.

        Raises:
            ChatError: there is no such setting, or it does not take the value.
        """
        if name not in NAMES:
            near = nearest(name, NAMES)
            raise ChatError(
                f"There is no setting {name}; there are {', '.join(NAMES)}.",
                hint=f"Did you mean {near}?" if near else None,
            )
        value: Any
        if text.strip().lower() in UNSET:
            value = () if name == STOP else None
        elif name == STOP:
            value = (*self.stop, text)
        elif name == SEED:
            value = _seed(text)
        else:
            value = _checked(name, text)
        return replace(self, **{name: value})


NAMES = tuple(field.name for field in fields(Sampling))


def _checked(name: str, text: str) -> Any:
    field = fields_by_key()[f"{SECTION}.{name}"]
    try:
        return typed_value(field, text.strip(), Layer.COMMAND_LINE)
    except ValueError as error:  # pydantic's
        raise ChatError(f"{name} must be {expected(field)}, not {show_value(text)}.") from error


def _seed(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise ChatError(f"{SEED} must be a whole number, not {show_value(text)}.") from error
