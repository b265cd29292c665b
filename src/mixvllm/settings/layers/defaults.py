"""The schema's defaults as a layer, and those of the demo model above them."""

from __future__ import annotations

from typing import Any

from mixvllm.settings.fields import all_fields
from mixvllm.settings.origin import Given, Layer, Origin
from mixvllm.settings.reading import Reading
from mixvllm.settings.schema import DEMO_MODEL

# float32 and eager: on CPU builds bfloat16 needs minutes of compiling to be right.
DEMO_DEFAULTS: dict[str, Any] = {
    "inference.dtype": "float32",
    "inference.enforce_eager": True,
    "inference.max_model_len": 4096,
    "inference.cpu_kv_cache_gib": 1.0,
}


def read_defaults(model: str | None) -> Reading:
    """Every field's default; the model `demo` has some of its own."""
    origin = Origin(Layer.DEFAULT)
    schema = {f.key: f.info.get_default(call_default_factory=True) for f in all_fields()}
    given = [Given(key, key, value, origin) for key, value in schema.items()]
    if model == DEMO_MODEL:
        demo = Origin(Layer.DEFAULT, name="demo model")
        given += [Given(key, key, value, demo) for key, value in DEMO_DEFAULTS.items()]
    return Reading(tuple(given))
