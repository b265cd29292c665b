"""The file that `config init` writes: a model, and the few settings that people change first."""

from __future__ import annotations

from mixvllm.settings.commented_yaml import field_entry, section_heading
from mixvllm.settings.fields import fields_by_key
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


def starter_file(model: str | None = None, *, schema: str | None = None) -> str:
    """A commented config file.

    Args:
        model: The model's name; None takes the embedded one, which runs anywhere.
        schema: Where an editor finds the JSON Schema, seen from the file; None leaves it out.
    """
    parts = [f"{MODELINE}{schema}\n" if schema else "", HEADER]
    for section, names in FIRST.items():
        parts += ["\n", section_heading(section)]
        for name in names:
            field = fields_by_key()[f"{section}.{name}"]
            value = field.info.default if name in SET else None
            if field.key == "model.name":
                value = DEMO_MODEL if model is None else model
            # What the server section costs is safety; elsewhere the meaning is enough to begin.
            notes = [field.trade_off] if section == "server" and field.trade_off else []
            parts.append(field_entry(field, value, notes))
    return "".join(parts)
