"""The golden rows: models described by hand, and what vLLM's own planner said of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mixvllm.memory.rules import rules_of
from mixvllm.memory.serving import ServingFacts
from mixvllm.models import description as kinds
from mixvllm.models.description import Layer, ModelDescription

DOCUMENT = json.loads((Path(__file__).parents[1] / "data" / "kv_golden.json").read_text("utf-8"))


@dataclass(frozen=True)
class GoldenRow:
    """One run of the oracle: what went in, and what it answered."""

    description: ModelDescription
    serving: ServingFacts
    available_bytes: int
    expected: dict[str, int | str]
    name: str
    source: str


def layer(fields: dict[str, Any]) -> Layer:
    """A layer from its kind's name and its fields."""
    made: Layer = getattr(kinds, fields["kind"])(
        **{name: value for name, value in fields.items() if name != "kind"}
    )
    return made


def description(name: str) -> ModelDescription:
    """A model of the document: its pattern spells one kind of layer a letter."""
    facts = dict(DOCUMENT["models"][name])
    legend = {letter: layer(fields) for letter, fields in facts.pop("kinds").items()}
    layers = tuple(legend[letter] for letter in facts.pop("layers"))
    return ModelDescription(name=name, layers=layers, dtype="bfloat16", **facts)


def row(fields: dict[str, Any]) -> GoldenRow:
    """A row of the document."""
    settings = dict(fields["serving"])
    for name in ("draft_layers", "pipeline_partition"):
        settings[name] = tuple(
            layer(item) if isinstance(item, dict) else item for item in settings.get(name, ())
        )
    settings["pipeline_partition"] = settings["pipeline_partition"] or None
    shown = ", ".join(f"{key}={value}" for key, value in fields["serving"].items())
    return GoldenRow(
        description=description(fields["model"]),
        serving=ServingFacts(rules=rules_of(fields["version"]), **settings),
        available_bytes=fields["available_bytes"],
        expected=fields["expected"],
        name=f"{fields['model']} ({shown})",
        source=fields["source"],
    )


ROWS = [row(fields) for fields in DOCUMENT["rows"]]
