"""The text of a converted command: its settings, and in comments all that is no setting."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Iterator, Sequence, Set
from typing import Any

from mixvllm.secret_names import is_secret_name
from mixvllm.settings.fields import PASS_THROUGH_SECTION, fields_by_key, sections
from mixvllm.settings.layers.vllm_flags import Unread, find_argument
from mixvllm.settings.origin import Given
from mixvllm.settings.shell_command import ShellCommand
from mixvllm.settings.yaml_document import KeyPath
from mixvllm.settings.yaml_writer import write_yaml

PASS_THROUGH = f"{PASS_THROUGH_SECTION}."
API_KEY = "server.api_key"
API_KEY_VARIABLE = "MIXVLLM_SERVER__API_KEY"
VLLM_API_KEY_VARIABLE = "VLLM_API_KEY"
CEILING = "a ceiling in vLLM; here a request may ask for more"


def converted_text(shell: ShellCommand, given: Sequence[Given], lost: Sequence[Unread]) -> str:
    """Comments first, then each section, its fields in the order of the schema."""
    # `validate` has typed our settings; what passes through is still words.
    values = {
        one.key: plain_value(one.value) if one.key.startswith(PASS_THROUGH) else one.value
        for one in given
        if one.value is not None
    }
    notes = [
        "Converted from a vLLM command by `mixvllm config init --from`.",
        *_shell_notes(shell),
        *_setting_notes(values.keys()),
        *_loss_notes(lost),
    ]
    lines = [line for note in notes for line in note.splitlines()]
    parts = ["".join(f"# {_printable(line)}\n" for line in lines)]
    fields = [key for key in fields_by_key() if key in values and key != API_KEY]
    others = [key for key in values if key.startswith(PASS_THROUGH)]
    for section in (*sections(), PASS_THROUGH_SECTION):
        keys = [key for key in (*fields, *others) if key.partition(".")[0] == section]
        entries = {key.partition(".")[2]: values[key] for key in keys}
        comments: dict[KeyPath, str] = {}
        if "max_tokens" in entries:
            comments[section, "max_tokens"] = CEILING
        if entries:
            parts.append(write_yaml({section: entries}, comments))
        elif section == "model":
            parts.append(f"model:\n  # name: {fields_by_key()['model.name'].example}\n")
    return "\n".join(parts)


def plain_value(value: Any) -> Any:
    """A word of a command as a YAML value: a number or JSON where it would read back the same."""
    if isinstance(value, list):
        return [plain_value(item) for item in value]
    if not isinstance(value, str):
        return value
    try:
        read = json.loads(value)
    except ValueError:
        return value
    if isinstance(read, dict | list):
        return read
    is_number = isinstance(read, int | float) and not isinstance(read, bool)
    return read if is_number and math.isfinite(read) and json.dumps(read) == value else value


def _shell_notes(shell: ShellCommand) -> Iterator[str]:
    if shell.around:
        yield "Around the command stood:"
        yield f"  {shell.around}"
    ours = [name for name, _ in shell.variables if name == VLLM_API_KEY_VARIABLE]
    others = [(name, value) for name, value in shell.variables if name not in ours]
    if others:
        yield "Its variables, to be set in the environment as before:"
    for name, value in others:
        secret = is_secret_name(name)
        yield f"  {name} (its value is left out)" if secret else f"  {name}={shlex.quote(value)}"
    if ours:
        yield f"The API key of {VLLM_API_KEY_VARIABLE} is left out: set {API_KEY_VARIABLE}."


def _setting_notes(keys: Set[str]) -> Iterator[str]:
    if API_KEY in keys:
        yield f"The API key of --api-key is left out: set {API_KEY_VARIABLE}."
    if "model.name" not in keys:
        yield "The command names no model: add `name:` under `model:`."


def _loss_notes(lost: Sequence[Unread]) -> Iterator[str]:
    if lost:
        yield "Not converted:"
    for one in lost:
        name, *values = one.words
        shown = [name.partition("=")[0], "..."] if _is_secret(name) else [name, *values]
        advice = f" ({one.problem.advice})" if one.problem.advice else ""
        yield f"  {shlex.join(shown)}: {one.problem.message}{advice}"


def _is_secret(word: str) -> bool:
    flag = word.partition("=")[0]
    found = find_argument(flag)
    return is_secret_name(found[0].name if found else flag)


def _printable(text: str) -> str:
    """YAML refuses control characters, even in comments."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
