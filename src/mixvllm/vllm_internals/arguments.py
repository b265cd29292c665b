"""The names, kinds and choices of vLLM's arguments per version, as data.

The data are collected from vLLM's own parser (`collect_arguments.py`); `serve` asks the real one.
0.32's come from the installed CPU build of 0.32.0. There is no CPU build of 0.33.0: its list comes
from its own parser too, imported from the Python source of its wheel with the packages of the 0.32
build around it and its version marked as a CPU build, but it has not been seen to serve.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from mixvllm.vllm_internals.installed import installed_engine
from mixvllm.vllm_internals.plugins import PLUGINS, may_bring

VERSIONS = ((0, 32), (0, 33))

_OWN_HTTP = "would have no effect: mixvllm answers HTTP itself; put a proxy in front for TLS"
_OWN_LOG = "would have no effect: see `server.log_format` and `mixvllm serve -v`"
# What `vllm:` refuses, and why. Most are arguments of vLLM's own HTTP server, which mixvllm
# replaces: taking them would be a silent lie.
REFUSED = {
    "hf_token": "is a secret: set HF_TOKEN in the environment instead",
    **dict.fromkeys(
        (
            "uds",
            "grpc_port",
            "ssl_keyfile",
            "ssl_certfile",
            "ssl_ca_certs",
            "enable_ssl_refresh",
            "ssl_cert_reqs",
            "ssl_ciphers",
            "h11_max_incomplete_event_size",
            "h11_max_header_count",
        ),
        _OWN_HTTP,
    ),
    **dict.fromkeys(
        (
            "uvicorn_log_level",
            "disable_uvicorn_access_log",
            "disable_access_log_for_endpoints",
        ),
        _OWN_LOG,
    ),
}


@dataclass(frozen=True)
class Argument:
    """One argument of vLLM's API server.

    Attributes:
        name: The name with underscores, as it stands under `vllm:`.
        kind: `switch` is `--x / --no-x`, `switch_on` is `--x` alone, `list` takes several values
            after one flag, `repeated` one flag a value, `value` exactly one.
        choices: The closed list of values, or nothing.
        known: The values that vLLM brings, where its plug-ins may bring more.
        short_flags: Its short spellings on the command line (`-tp`).
    """

    name: str
    kind: Literal["switch", "switch_on", "value", "list", "repeated"]
    choices: tuple[str, ...] = ()
    short_flags: tuple[str, ...] = ()
    known: tuple[str, ...] = ()

    @property
    def flag(self) -> str:
        """The long spelling: `--tool-call-parser`."""
        return "--" + self.name.replace("_", "-")


def modelled_version() -> tuple[int, int]:
    """The version whose list applies: the installed one, else the newest that is known."""
    engine = installed_engine()
    return engine.release if engine and engine.release in VERSIONS else VERSIONS[-1]


@cache
def arguments(version: tuple[int, int] | None = None) -> dict[str, Argument]:
    """Every argument of one version, by name."""
    major, minor = version or modelled_version()
    data = resources.files("mixvllm.vllm_internals") / "data" / f"arguments_{major}_{minor}.json"
    described = json.loads(data.read_text(encoding="utf-8"))["arguments"]
    return {
        name: Argument(
            name,
            d["kind"],
            tuple(d.get("choices", ())),
            tuple(d.get("short_flags", ())),
            tuple(d.get("known", ())),
        )
        for name, d in described.items()
    }


def check_choice(argument: str) -> AfterValidator:
    """A validator that takes what the vLLM argument takes."""

    def check(value: str) -> str:
        choices = arguments()[argument].choices
        if value not in choices:
            raise _no_choice(choices)
        return value

    return AfterValidator(check)


def _check_quantization(value: str) -> str:
    """A method of vLLM's own, or one that a plugin brings or may bring."""
    choices = arguments()["quantization"].choices
    if value in choices or may_bring(value):
        return value
    if (plugin := PLUGINS.get(value)) is None:
        raise _no_choice(choices)
    raise PydanticCustomError(
        "vllm_plugin",
        "vLLM {version} has {method} by a plugin only, which is not installed",
        {
            "version": ".".join(map(str, modelled_version())),
            "method": value,
            "installation": plugin.installation,
        },
    )


def _no_choice(choices: tuple[str, ...]) -> PydanticCustomError:
    return PydanticCustomError(
        "vllm_choice", "must be one of {choices}", {"choices": ", ".join(choices)}
    )


QUANTIZATION_METHOD = AfterValidator(_check_quantization)
