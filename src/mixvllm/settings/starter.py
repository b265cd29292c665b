"""The file that `config init` writes: a model, and the few settings that people change first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mixvllm.settings.commented_yaml import field_entry, section_heading
from mixvllm.settings.fields import SettingField, fields_by_key
from mixvllm.settings.json_schema import MODELINE
from mixvllm.settings.schema import DEMO_MODEL

# Section by section; the named ones stand at their default, the others are commented examples.
FIRST = {
    "model": ("name", "trust_remote_code"),
    "inference": (
        "tensor_parallel_size",
        "gpu_memory_utilization",
        "max_model_len",
        "dtype",
    ),
    "server": ("host", "port", "api_key"),
    "generation_defaults": ("temperature", "max_tokens"),
}
SET = frozenset({"tensor_parallel_size", "gpu_memory_utilization", "host", "port"})
HEADER = """\
# Settings of mixvllm. Commented lines are examples; null or nothing leaves the default.
#   mixvllm config validate   checks this file        mixvllm config show   prints every setting
#   mixvllm serve             serves the model
"""


@dataclass(frozen=True)
class ChosenValue:
    """A value that was worked out for a model, and why; None leaves it a commented example."""

    value: Any
    reason: str


def starter_file(
    model: str | None = None,
    *,
    schema: str | None = None,
    chosen: Mapping[str, ChosenValue] | None = None,
    heading: Sequence[str] = (),
) -> str:
    """A commented config file.

    Args:
        model: The model's name; None takes the embedded one, which runs anywhere.
        schema: Where an editor finds the JSON Schema, seen from the file; None leaves it out.
        chosen: Values worked out for the model, by key, with the reason of each.
        heading: Lines that the file begins with.
    """
    chosen = chosen or {}
    parts = [f"{MODELINE}{schema}\n" if schema else ""]
    parts += [*(f"# {line}".rstrip() + "\n" for line in heading), "#\n" if heading else "", HEADER]
    for section, first in FIRST.items():
        parts += ["\n", section_heading(section)]
        own = [key.partition(".")[2] for key in chosen if key.startswith(f"{section}.")]
        for name in dict.fromkeys((*first, *own)):
            parts.append(_entry(fields_by_key()[f"{section}.{name}"], model, chosen))
    return "".join(parts)


def _entry(field: SettingField, model: str | None, chosen: Mapping[str, ChosenValue]) -> str:
    if field.key in chosen:
        return field_entry(field, chosen[field.key].value, [chosen[field.key].reason])
    value = field.info.default if field.name in SET else None
    if field.key == "model.name":
        value = DEMO_MODEL if model is None else model
    # What the server section costs is safety; elsewhere the meaning is enough to begin.
    notes = [field.trade_off] if field.section == "server" and field.trade_off else []
    return field_entry(field, value, notes)
