"""What the shell completes: models, files, GPUs, profiles, releases, ports.

Each function has the form that typer asks for, and loads what it needs when it is asked.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import typer

from mixvllm.settings.flags import SettingFlag

Completer = Callable[..., list[str]]

CONFIG_SUFFIXES = (".yaml", ".yml")


class Offer(str):
    """A word that is offered although it begins otherwise than what was typed.

    typer keeps only what begins as it was typed: `gpt-oss` is to become `openai/gpt-oss-20b`.
    """

    __slots__ = ()

    def startswith(self, *_: object) -> bool:
        """Whatever was typed."""
        return True


def complete_models(incomplete: str) -> list[str]:
    """Models by name; a name without its owner is enough (`gpt-oss`)."""
    from mixvllm.models.known_names import known_names

    names = known_names(os.environ)
    small = incomplete.lower()
    found = beginning_with(incomplete, names)
    own = (name for name in names if name.lower().partition("/")[2].startswith(small))
    return found or [Offer(name) for name in own]


def complete_config_files(incomplete: str) -> list[str]:
    """YAML files of the directory that is begun, and of those below it.

    Files of a directory stand for it: a shell that is given the directory ends the word.
    """
    directory = Path(f"{incomplete.rpartition('/')[0]}/" if "/" in incomplete else "")
    return beginning_with(incomplete, sorted(map(str, _config_files(directory))))


def complete_models_and_files(incomplete: str) -> list[str]:
    """Both, files first."""
    files = complete_config_files(incomplete)
    return [*files, *complete_models(incomplete)]


def complete_gpus(incomplete: str) -> list[str]:
    """GPUs of the table as one word each; after a comma the next one."""
    from mixvllm.memory.gpu_table import all_gpus, flag_of

    return _next_of_list(incomplete, [flag_of(gpu) for gpu in all_gpus()])


def complete_releases(incomplete: str) -> list[str]:
    """Releases of vLLM whose rules are known; after a comma the next one."""
    from mixvllm.memory.rules import RELEASES

    return _next_of_list(incomplete, [".".join(map(str, release)) for release in RELEASES])


def complete_profiles(ctx: typer.Context, incomplete: str) -> list[str]:
    """Profiles of the file that the command line, the environment or the directory names."""
    from mixvllm.settings.file_keys import DEFAULT_FILE
    from mixvllm.settings.layers.environment import CONFIG_VARIABLE
    from mixvllm.settings.layers.yaml_file import read_config_file

    named = os.environ.get(CONFIG_VARIABLE) or ctx.params.get("config") or DEFAULT_FILE
    path = Path(named)
    return beginning_with(incomplete, read_config_file(path).profiles) if path.is_file() else []


def complete_ports(incomplete: str) -> list[str]:
    """Ports of the servers that run here."""
    from mixvllm.server.registry import running_servers

    return beginning_with(incomplete, (str(server.port) for server in running_servers()))


def complete_sessions(incomplete: str) -> list[str]:
    """Recorded conversations, the one used last first."""
    from mixvllm.chat.session_store import SessionStore

    return beginning_with(incomplete, SessionStore().names())


def complete_served_models(incomplete: str) -> list[str]:
    """Models of the servers that run here."""
    from mixvllm.server.registry import running_servers

    return beginning_with(incomplete, dict.fromkeys(each.model for each in running_servers()))


def completer_of(field: SettingFlag) -> Completer | None:
    """What completes the flag of a setting; None where its value is free."""
    if field.key == "model.name":
        return complete_models
    if field.key in ("inference.quantization", "inference.kv_cache_dtype"):
        return lambda incomplete: beginning_with(incomplete, _values_in_vllm(field.name))
    if field.choices:
        return lambda incomplete: beginning_with(incomplete, field.choices)
    return None


def beginning_with(begun: str, words: Iterable[str]) -> list[str]:
    """The words that go on as it begins, large and small letters alike."""
    small = begun.lower()
    return [Offer(word) for word in words if word.lower().startswith(small)]


def _values_in_vllm(argument: str) -> tuple[str, ...]:
    from mixvllm.vllm_internals.arguments import arguments
    from mixvllm.vllm_internals.plugins import PLUGINS, may_bring

    own = arguments()[argument].choices
    return (*own, *filter(may_bring, PLUGINS)) if argument == "quantization" else own


def _next_of_list(begun: str, words: Iterable[str]) -> list[str]:
    *given, last = begun.split(",")
    before = "".join(f"{word}," for word in given)
    return [Offer(before + word) for word in beginning_with(last, words) if word not in given]


def _config_files(directory: Path) -> Iterable[Path]:
    for pattern in ("*", "*/*"):
        for path in directory.glob(pattern):
            visible = not any(part.startswith(".") for part in path.parts)
            if visible and path.suffix in CONFIG_SUFFIXES and path.is_file():
                yield path
