"""Our settings as the arguments of vLLM's API server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from mixvllm.settings.schema import ServeConfig
from mixvllm.sizes import GIB
from mixvllm.vllm_internals.arguments import Argument, arguments

# Fields of `inference` that are vLLM arguments of the same name, with vLLM's own default.
# gpu_memory_utilization is always said on GPUs: vLLM's default changed between versions.
INFERENCE_DEFAULTS: Mapping[str, Any] = {
    "tensor_parallel_size": 1,
    "max_model_len": None,
    "dtype": "auto",
    "quantization": None,
    "kv_cache_dtype": "auto",
    "max_num_seqs": None,
    "max_num_batched_tokens": None,
    "enforce_eager": False,
    "pipeline_parallel_size": 1,
    "data_parallel_size": 1,
    "distributed_executor_backend": None,
}
# max_tokens is not among them: vLLM reads its max_new_tokens here as a ceiling for every request,
# so the gateway writes the default length into the requests that leave it out.
SAMPLING_FIELDS = ("temperature", "top_p", "top_k", "presence_penalty", "frequency_penalty")
# Arguments are seen by every user of the machine and printed by `config show --vllm-args`.
SECRET_ARGUMENTS = frozenset({"api_key", "hf_token"})


def api_server_arguments(
    settings: ServeConfig, *, build: Literal["gpu", "cpu"], model_path: str | None = None
) -> list[str]:
    """The arguments for vLLM's API server, `--model` first; secrets are left out.

    What stands under `vllm:` replaces what the other sections say, save for sampling defaults,
    which are merged key by key with ours winning.

    Args:
        settings: The resolved settings, with a model name.
        build: Which build of vLLM they are for.
        model_path: Where the model lies when that is not what its name says.
    """
    own = dict(_own_arguments(settings, build, model_path))
    given = {name: value for name, value in settings.vllm.items() if name not in SECRET_ARGUMENTS}
    if "override_generation_config" in own and "override_generation_config" in given:
        given["override_generation_config"] = _merged(
            given["override_generation_config"], own["override_generation_config"]
        )
    known = arguments()
    return [
        text
        for name, value in (own | given).items()
        for text in _written(known.get(name) or _guessed(name, value), value)
    ]


def _own_arguments(
    settings: ServeConfig, build: Literal["gpu", "cpu"], model_path: str | None
) -> Iterator[tuple[str, Any]]:
    """Name and value of each argument that our sections ask for."""
    model, inference, server = settings.model, settings.inference, settings.server
    yield "model", model_path or model.name
    if model.served_name or model_path:
        yield "served_model_name", [settings.served_name]
    if model.revision:
        yield "revision", model.revision
    if model.trust_remote_code:
        yield "trust_remote_code", True
    for name, default in INFERENCE_DEFAULTS.items():
        value = getattr(inference, name)
        if value != default:
            yield name, value
    if build == "cpu":
        yield "kv_cache_memory_bytes", int(inference.cpu_kv_cache_gib * GIB)
    else:
        yield "gpu_memory_utilization", inference.gpu_memory_utilization
    sampling = {name: getattr(settings.generation_defaults, name) for name in SAMPLING_FIELDS}
    if sampling := {name: value for name, value in sampling.items() if value is not None}:
        yield "override_generation_config", sampling
    yield "host", server.host
    yield "port", server.port


def _merged(given: Any, own: dict[str, Any]) -> Any:
    """The user's mapping under ours; what is no mapping is left for vLLM's parser to refuse."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            return given
    return {**given, **own} if isinstance(given, dict) else given


def _guessed(name: str, value: Any) -> Argument:
    """An argument that our list does not know, written as its value suggests."""
    if isinstance(value, bool):
        return Argument(name, "switch")
    return Argument(name, "list" if isinstance(value, list) else "value")


def _written(argument: Argument, value: Any) -> list[str]:
    """One argument as it stands on a command line; nothing when it is unset."""
    if value is None:
        return []
    values = value if isinstance(value, list | tuple) else [value]
    match argument.kind:
        case "switch" if isinstance(value, bool):
            return [argument.flag if value else argument.flag.replace("--", "--no-", 1)]
        case "switch_on" if isinstance(value, bool):
            return [argument.flag] if value else []
        case "list":
            return [argument.flag, *map(_text, values)] if values else []
        case "repeated":
            return [text for each in values for text in _pair(argument.flag, each)]
        case _:
            return _pair(argument.flag, value)


def _pair(flag: str, value: Any) -> list[str]:
    """Flag and value; in one word where the value would read as a flag."""
    text = _text(value)
    return [f"{flag}={text}"] if text.startswith("-") else [flag, text]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
