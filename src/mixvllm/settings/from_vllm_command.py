"""A command that starts vLLM, converted to a config file: `config init --from`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mixvllm.errors import Problem, SettingsError, UsageError
from mixvllm.settings.converted_text import converted_text, plain_value
from mixvllm.settings.fields import PASS_THROUGH_SECTION, fields_by_key
from mixvllm.settings.layers.command_line import MODEL_ARGUMENT
from mixvllm.settings.layers.vllm_flags import (
    Unread,
    VllmFlags,
    find_argument,
    parse_vllm_flags,
)
from mixvllm.settings.origin import Given, Layer, given_by_flag
from mixvllm.settings.reading import Reading
from mixvllm.settings.shell_command import read_shell_command
from mixvllm.settings.validate import typed_value, validate
from mixvllm.settings.yaml_document import read_yaml

SAMPLING = f"{PASS_THROUGH_SECTION}.override_generation_config"
# What vLLM calls a sampling value, where we say it otherwise.
SAMPLING_NAMES = {"max_new_tokens": "max_tokens"}
# Flags of `vllm serve` alone, which its API server does not have.
CONFIG_FLAG = "--config"
API_PROCESSES = ("--api-server-count", "-asc")
NO_EQUIVALENT = ("--headless", "--grpc")

SHELL_VARIABLE = re.compile(r"\$\{?[A-Za-z_(]|`")


@dataclass(frozen=True)
class Converted:
    """A config file made from a command.

    Attributes:
        text: The file's text.
        warnings: What could not be converted; the text names it too.
    """

    text: str
    warnings: tuple[Problem, ...]


def convert(command: str, directory: Path = Path()) -> Converted:
    """Convert a command that starts vLLM; what cannot be converted is named, never dropped.

    Args:
        command: The command, as it stands in a shell.
        directory: Where a relative `--config FILE` of the command lies.

    Raises:
        UsageError: the line cannot be read, or does not start vLLM.
        SettingsError: the file that its `--config` names cannot be read.
    """
    shell = read_shell_command(command)
    flags = _reclaimed(parse_vllm_flags(_with_config(shell.words, directory)))
    given = [part for one in flags.given for part in _sampling_apart(one)]
    checked = validate(Reading(tuple(given)))
    lost = [*flags.unread, *_refused(checked.problems, given), *_unexpanded(checked.given)]
    warnings = tuple(replace(one.problem, severity="warning") for one in lost)
    return Converted(converted_text(shell, checked.given, lost), warnings)


def _with_config(words: Sequence[str], directory: Path) -> list[str]:
    """The words with those of vLLM's own config file in the place of `--config FILE`."""
    words = [part for w in words for part in (w.split("=", 1) if _is_config(w) else [w])]
    if CONFIG_FLAG not in words:
        return words
    at = words.index(CONFIG_FLAG)
    if at + 1 == len(words):
        raise UsageError("The command's --config names no file.")
    document = read_yaml(directory / words[at + 1], named=words[at + 1])
    if document.problems or not isinstance(document.data, dict):
        message = f"The command's --config {words[at + 1]} is no file of vLLM's flags."
        raise SettingsError(message, problems=document.problems)
    flags = [part for name, value in document.data.items() for part in _flag_words(name, value)]
    front = 1 if words[0][:1] != "-" else 0
    # Below the command's own flags, and behind a model that stands first.
    return [*words[:front], *flags, *words[front:at], *words[at + 2 :]]


def _is_config(word: str) -> bool:
    return word.startswith(f"{CONFIG_FLAG}=")


def _flag_words(name: str, value: Any) -> list[str]:
    """An entry of vLLM's config file as vLLM turns it into words."""
    flag = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        off = flag.replace("--", "--no-", 1)
        known = find_argument(flag)
        return [flag] if value else [] if known and known[0].kind == "switch_on" else [off]
    if isinstance(value, list):
        return [flag, *map(str, value)] if value else []
    if isinstance(value, dict):
        return [flag, json.dumps(value)]
    return [] if value is None else [f"{flag}={value}"]


def _reclaimed(flags: VllmFlags) -> VllmFlags:
    """The model that stands alone, and flags of `vllm serve` that its API server lacks."""
    given = list(flags.given)
    unread = []
    for one in flags.unread:
        name, _, inline = one.words[0].partition("=")
        if one.is_stray and not any(g.key == "model.name" for g in given):
            field = fields_by_key()["model.name"]
            given.insert(0, given_by_flag(field.key, MODEL_ARGUMENT, one.words[0]))
        elif name in API_PROCESSES and (inline or one.words[1:]):
            field = fields_by_key()["server.workers"]
            given.append(given_by_flag(field.key, name, inline or one.words[1]))
        elif name in NO_EQUIVALENT:
            problem = replace(one.problem, message="has no equivalent here", suggestion=None)
            unread.append(replace(one, problem=problem))
        else:
            unread.append(one)
    return VllmFlags(tuple(given), tuple(unread))


def _sampling_apart(given: Given) -> Iterator[Given]:
    """Sampling defaults that are settings of ours, and the rest as it was."""
    if given.key != SAMPLING:
        yield given
        return
    values = plain_value(given.value)
    rest = {}
    for name, value in values.items() if isinstance(values, dict) else ():
        field = fields_by_key().get(f"generation_defaults.{SAMPLING_NAMES.get(name, name)}")
        if field is None or value is None:
            rest[name] = value
            continue
        try:
            typed_value(field, value, Layer.YAML)
        except ValidationError:
            rest[name] = value
        else:
            yield replace(given, key=field.key, value=value)
    if rest or not isinstance(values, dict):
        yield replace(given, value=rest or values)


def _refused(problems: Sequence[Problem], given: Sequence[Given]) -> list[Unread]:
    """The flags that `validate` refuses, with their values."""
    values = {one.written: one.value for one in given}
    lost = []
    for problem in problems:
        name = str(problem.key)
        value = values.get(name)
        shown = [str(v) for v in (value if isinstance(value, list) else [value])]
        lost.append(Unread((name, *(() if isinstance(value, bool) else shown)), problem))
    return lost


def _unexpanded(given: Sequence[Given]) -> list[Unread]:
    message = "holds a shell variable, which a file cannot: write its value"
    return [
        Unread(
            (one.written, one.value),
            Problem(message=message, key=one.written, source="command line"),
        )
        for one in given
        if isinstance(one.value, str) and SHELL_VARIABLE.search(one.value)
    ]
