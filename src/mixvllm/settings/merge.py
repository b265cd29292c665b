"""Merge readings by precedence: the settings, and for every value where it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mixvllm.settings.fields import PASS_THROUGH_SECTION, fields_by_key
from mixvllm.settings.layers.defaults import read_defaults
from mixvllm.settings.origin import Given, Layer, Origin
from mixvllm.settings.reading import Reading
from mixvllm.settings.schema import ServeConfig


@dataclass(frozen=True)
class ResolvedValue:
    """One effective value.

    Attributes:
        key: The canonical key.
        value: The value, typed; None is unset.
        origin: Where it came from.
        overrides: What it beat, highest layer first.
        written: The key as it was written there.
    """

    key: str
    value: Any
    origin: Origin
    overrides: tuple[Given, ...] = ()
    written: str = ""

    @property
    def given(self) -> Given:
        """The value as its layer gives it."""
        return Given(self.key, self.written or self.key, self.value, self.origin)

    @property
    def is_secret(self) -> bool:
        """Whether the value must never be shown."""
        known = fields_by_key().get(self.key)
        return known is not None and known.is_secret


@dataclass(frozen=True)
class Merged:
    """The settings, with the provenance of each value."""

    settings: ServeConfig
    values: tuple[ResolvedValue, ...]


def merge(readings: Sequence[Reading]) -> Merged:
    """Merge validated readings, the highest first, over the defaults."""
    defaults = read_defaults(_winning_model(readings))
    stacks = _stack([*readings, defaults])
    values = tuple(_resolved_value(key, stack) for key, stack in stacks.items())
    # The schema has its own defaults; only those of a model have to be told.
    of_model = Reading(tuple(given for given in defaults.given if given.origin.name))
    settings = ServeConfig.from_layers([_nested(r, stacks) for r in (*readings, of_model)])
    return Merged(settings, values)


def _winning_model(readings: Sequence[Reading]) -> str | None:
    for reading in readings:
        for given in reversed(reading.given):
            if given.key == "model.name":
                return str(given.value) if given.value is not None else None
    return None


def _stack(readings: Sequence[Reading]) -> dict[str, list[Given]]:
    """Every key with all that was given for it, the winner first."""
    order = [*fields_by_key()]
    given = [given for reading in readings for given in reversed(reading.given)]
    extra = sorted({g.key for g in given} - set(order))
    stacks: dict[str, list[Given]] = {key: [] for key in (*order, *extra)}
    for one in given:
        stacks[one.key].append(one)
    return stacks


def _resolved_value(key: str, stack: Sequence[Given]) -> ResolvedValue:
    winner, *beaten = stack
    value = winner.value
    if value is None and beaten and beaten[-1].origin.layer is Layer.DEFAULT:
        value = _default(stack)
    overrides = _distinct_layers(winner, beaten)
    return ResolvedValue(key, value, winner.origin, overrides, winner.written)


def _default(stack: Sequence[Given]) -> Any:
    return next(given.value for given in stack if given.origin.layer is Layer.DEFAULT)


def _distinct_layers(winner: Given, beaten: Sequence[Given]) -> tuple[Given, ...]:
    """What was beaten, without the second name of one value in one layer."""
    kept: list[Given] = []
    for given in beaten:
        previous = kept[-1] if kept else winner
        same_place = given.origin.layer is previous.origin.layer and (
            given.origin.profile == previous.origin.profile
        )
        if not (same_place and given.value == previous.value):
            kept.append(given)
    return tuple(kept)


def _nested(reading: Reading, stacks: Mapping[str, Sequence[Given]]) -> dict[str, dict[str, Any]]:
    """One layer as pydantic-settings takes it; "unset" becomes the default that it means."""
    nested: dict[str, dict[str, Any]] = {}
    for given in reading.given:
        section, _, name = given.key.partition(".")
        value = given.value
        if value is None and section != PASS_THROUGH_SECTION:
            value = _default(stacks[given.key])
        nested.setdefault(section, {})[name] = value
    return nested
