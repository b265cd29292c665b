"""The models that can be named here without the network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mixvllm.directories import hub_cache
from mixvllm.models.names import DEMO
from mixvllm.models.sources import catalogue_file

# The hub's cache has a directory for each model: `models--OWNER--NAME`.
CACHED = "models--"


def known_names(environment: Mapping[str, str]) -> list[str]:
    """The demo model, then those of the Hugging Face cache and of the catalogue, each once."""
    return [DEMO, *sorted({*_cached(environment), *catalogue_file.names()}, key=str.lower)]


def _cached(environment: Mapping[str, str]) -> Iterator[str]:
    cache = hub_cache(environment)
    if cache.is_dir():
        for path in cache.glob(f"{CACHED}*"):
            yield path.name.removeprefix(CACHED).replace("--", "/")
