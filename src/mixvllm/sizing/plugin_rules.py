"""Whether vLLM has what it reads the model with, where only a plugin brings that.

The rules are those of `vllm-gguf-plugin` 0.0.5 (`plugin.py`, `config_parser.py`) and
`vllm-bnb-plugin` 0.0.3, and of `register_quantization_config` of vLLM 0.32.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path

from mixvllm.models.found import FoundModel, ModelSource
from mixvllm.models.names import is_gguf
from mixvllm.settings.schema import ServeConfig
from mixvllm.sizing.finding import MODEL, QUANTIZATION, Finding
from mixvllm.vllm_internals.arguments import arguments
from mixvllm.vllm_internals.installed import installed_engine
from mixvllm.vllm_internals.plugins import (
    GGUF,
    PLUGINS,
    VARIABLE,
    Plugin,
    state_of,
    unknown_plugins,
)

LOAD_FORMAT = "vllm.load_format"
TOKENIZER = "vllm.tokenizer"
CONFIG_PATH = "vllm.hf_config_path"
CONFIG = "config.json"
FILE: ModelSource = "GGUF file"


def plugin_findings(
    settings: ServeConfig, found: FoundModel | None, environment: Mapping[str, str]
) -> Iterator[Finding]:
    """What needs a plugin of vLLM that would not be loaded here, or that needs more.

    Args:
        settings: The settings; they name the model.
        found: The model, where it is known.
        environment: The variables that vLLM would see.
    """
    told: set[str] = set()
    for key, plugin, why in _needs(settings, found):
        if plugin.method not in told:
            told.add(plugin.method)
            yield from _without(key, plugin, why, environment)
    name = settings.model.name or ""
    is_there = is_gguf(name) or (found is not None and found.source == FILE)
    if is_there and installed_engine() and state_of(GGUF, environment) == "loaded":
        yield from _gguf_platform(name)
        yield from _gguf_config(found.origin if found and found.source == FILE else name, settings)
    yield from _unknown_method(settings, environment)


def _needs(settings: ServeConfig, found: FoundModel | None) -> Iterator[tuple[str, Plugin, str]]:
    """What each plugin is needed for: the setting at fault, the plugin, a clause that says why."""
    name = settings.model.name or ""
    if is_gguf(name) or (found and found.source == FILE):
        yield MODEL, GGUF, f"{name} is a GGUF file"
    elif found and (plugin := PLUGINS.get(found.description.quantization or "")):
        yield MODEL, plugin, f"{name} is quantized with {plugin.method}"
    if plugin := PLUGINS.get(settings.inference.quantization or ""):
        yield QUANTIZATION, plugin, f"quantization is {plugin.method}"
    if plugin := PLUGINS.get(str(settings.vllm.get("load_format"))):
        yield LOAD_FORMAT, plugin, f"load_format is {plugin.method}"


def _without(
    key: str, plugin: Plugin, why: str, environment: Mapping[str, str]
) -> Iterator[Finding]:
    message = f"{why}, and vLLM needs the plugin {plugin.package} for that"
    if installed_engine() is None:
        yield Finding((key,), message, "note", code="plugin-missing")
        return
    state = state_of(plugin, environment)
    if state == "loaded":
        return
    if state == "not installed":
        message, advice = f"{message}, which is not installed", _advice(key, plugin)
    else:
        message = f"{message}, which is installed but not listed in {VARIABLE}"
        advice = f"add {plugin.method} to {VARIABLE}, or unset it"
    others = ", ".join(unknown_plugins(environment))
    if others:
        message = f"{message}; whether another plugin ({others}) brings it is not known here"
    yield Finding((key,), message, "warning" if others else "error", advice, code="plugin-missing")


def _advice(key: str, plugin: Plugin) -> str:
    instead = {
        QUANTIZATION: "leave quantization out",
        LOAD_FORMAT: "leave load_format out",
    }.get(key, "name a checkpoint in another format")
    if key == MODEL and plugin is GGUF:
        instead = "name the checkpoint that the file was made from"
    if plugin.needs and _is_cpu_build():
        return f"{instead}: the plugin needs {plugin.needs}, and this vLLM is a CPU build"
    return f"{plugin.installation}, or {instead}"


def _is_cpu_build() -> bool:
    engine = installed_engine()
    return engine is not None and engine.build == "cpu"


def _gguf_platform(name: str) -> Iterator[Finding]:
    if _is_cpu_build():
        yield Finding(
            (MODEL,),
            f"{name} is a GGUF file: the plugin that reads it needs {GGUF.needs}, and this vLLM is "
            "a CPU build",
            "warning",
            "name the checkpoint that the file was made from",
            code="plugin-missing",
        )


def _gguf_config(name: str, settings: ServeConfig) -> Iterator[Finding]:
    """The plugin takes config and tokenizer from elsewhere than from the GGUF file."""
    key, source = _config_source(name, settings)
    directory = None if source is None else Path(source).expanduser()
    if directory is None or not directory.is_dir() or (directory / CONFIG).is_file():
        return
    where = "beside the GGUF file" if key == MODEL else source
    yield Finding(
        (key,),
        f"vLLM's plugin for GGUF takes config and tokenizer from {where}, and there is no {CONFIG} "
        "there",
        advice=f"put {CONFIG} and tokenizer of the model that the file was made from there, or add "
        "`-- --tokenizer OWNER/NAME` of that model",
        code="model-incomplete",
    )


def _config_source(name: str, settings: ServeConfig) -> tuple[str, str | None]:
    """Where the plugin looks (`_get_gguf_config_source`); None where that is on the hub."""
    config_path, tokenizer = (settings.vllm.get(key) for key in ("hf_config_path", "tokenizer"))
    if isinstance(config_path, str):
        return CONFIG_PATH, config_path
    if isinstance(tokenizer, str) and not is_gguf(tokenizer):
        return TOKENIZER, tokenizer
    return MODEL, str(Path(name).parent) if name.endswith(".gguf") else None


def _unknown_method(settings: ServeConfig, environment: Mapping[str, str]) -> Iterator[Finding]:
    """A method that the settings took because a plugin may bring it."""
    asked = settings.inference.quantization
    if asked is None or asked in PLUGINS:
        return
    known = arguments()["quantization"].choices
    if asked in known:
        return
    near = difflib.get_close_matches(asked, known, n=1)
    others = ", ".join(unknown_plugins(environment))
    message = f"vLLM itself has no quantization method {asked}"
    yield Finding(
        (QUANTIZATION,),
        f"{message}; whether a plugin ({others}) brings it is not known here"
        if others
        else f"{message}, and {VARIABLE} lists no plugin that may bring it",
        "warning" if others else "error",
        f"near it is {near[0]}" if near else None,
        code="plugin-missing",
    )
