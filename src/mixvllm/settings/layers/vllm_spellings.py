"""The spellings that vLLM's parser rewrites before it reads flags: `-O3`, `--config.key value`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

OPTIMIZATION_LEVEL = "--optimization-level"


def spelled_out(words: Sequence[str], *, known: Callable[[str], bool]) -> list[str]:
    """The words with `-O3` as a long flag, and dotted keys gathered into one JSON value a flag.

    Args:
        words: The words of a command line.
        known: Whether a name is a flag; dots in anything else are left alone.
    """
    plain: list[str] = []
    gathered: dict[str, dict[str, Any]] = {}
    position = 0
    words = [part for word in words for part in _level(word)]
    while position < len(words):
        word = words[position]
        name, equals, value = word.partition("=")
        flag, *keys = name.split(".")
        following = words[position + 1 : position + 2]
        dotted = word.startswith("-") and keys and not is_number(word) and known(flag)
        if not dotted or not (equals or following):
            plain.append(word)
            position += 1
            continue
        flag = flag.replace("_", "-")
        _gather(gathered.setdefault(flag, {}), keys, value if equals else following[0])
        position += 1 if equals else 2
    return [*plain, *(part for f, data in gathered.items() for part in (f, json.dumps(data)))]


def is_number(word: str) -> bool:
    """Whether a word that begins with a hyphen is a negative number and no flag."""
    try:
        float(word)
    except ValueError:
        return False
    return True


def _level(word: str) -> list[str]:
    if word == "-O":
        return [OPTIMIZATION_LEVEL]
    if word.startswith("-O"):
        return [OPTIMIZATION_LEVEL, word[2:].removeprefix("=")]
    return [word]


def _gather(data: dict[str, Any], keys: Sequence[str], text: str) -> None:
    """Put a value below its keys; `key+` adds texts to a list."""
    *outer, last = keys
    value = {last[:-1]: text.split(",")} if last.endswith("+") else {last: _value(text)}
    for key in reversed(outer):
        value = {key: value}
    _merge(data, value)


def _merge(data: dict[str, Any], update: dict[str, Any]) -> None:
    """Mappings and lists grow; of anything else the later one holds."""
    for key, value in update.items():
        there = data.get(key)
        if isinstance(there, dict) and isinstance(value, dict):
            _merge(there, value)
        elif isinstance(there, list) and isinstance(value, list):
            there.extend(value)
        else:
            data[key] = value


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
