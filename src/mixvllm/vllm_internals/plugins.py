"""What vLLM has only by plugins of other packages, and which are installed, by their metadata.

vLLM loads the entry points of one group, all of them unless VLLM_PLUGINS lists some
(`vllm/plugins/__init__.py` of 0.32). What they register is known only when they have run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Literal

from mixvllm.vllm_internals.installed import installed_engine

GROUP = "vllm.general_plugins"
VARIABLE = "VLLM_PLUGINS"


@dataclass(frozen=True)
class Plugin:
    """A plugin that brings a quantization method, and a load format of the same name.

    Attributes:
        method: The method; the entry point has its name, too.
        package: What is installed for it.
        needs: The platforms that it is for, where it is not for all.
    """

    method: str
    package: str
    needs: str | None = None

    @property
    def installation(self) -> str:
        """How to get it."""
        needs = f", which needs {self.needs}" if self.needs else ""
        return f"`pip install {self.package}`{needs}"


# Neither is in vLLM 0.32 itself; what they need is said by the METADATA of 0.0.5 and 0.0.3.
GGUF = Plugin("gguf", "vllm-gguf-plugin", "CUDA or ROCm")
BITSANDBYTES = Plugin("bitsandbytes", "vllm-bnb-plugin")
# Of older releases it is not known here.
PLUGINS_SINCE = (0, 32)
PLUGINS = {plugin.method: plugin for plugin in (GGUF, BITSANDBYTES)}

PluginState = Literal["loaded", "not installed", "not listed"]


def state_of(plugin: Plugin, environment: Mapping[str, str]) -> PluginState:
    """Whether the vLLM that is installed here would load a plugin.

    Args:
        plugin: The plugin.
        environment: The variables that vLLM would see.
    """
    if plugin.method not in _entry_points():
        return "not installed"
    return "loaded" if _is_listed(plugin.method, environment) else "not listed"


def unknown_plugins(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The plugins that vLLM would load, and of which it is not known what they bring."""
    names = _entry_points().keys() - PLUGINS.keys()
    return tuple(sorted(name for name in names if _is_listed(name, environment)))


def may_bring(method: str) -> bool:
    """Whether a plugin may bring a quantization method, as far as the installed packages tell.

    Where vLLM is not installed, a known plugin may be there where the server runs.
    """
    if installed_engine() is None:
        return method in PLUGINS
    entry_points = _entry_points()
    return method in entry_points or bool(entry_points.keys() - PLUGINS.keys())


def _entry_points() -> dict[str, str]:
    """The plugins that are installed, beside vLLM's own, and where their code is."""
    found = {entry.name: entry.value for entry in metadata.entry_points(group=GROUP)}
    return {name: value for name, value in found.items() if not value.startswith("vllm.")}


def _is_listed(name: str, environment: Mapping[str, str]) -> bool:
    """By vLLM's rule: names without spaces around them, and an empty text is no plugin."""
    listed = environment.get(VARIABLE)
    return listed is None or name in listed.split(",")
