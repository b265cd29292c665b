"""The flags of vLLM, read as its parser reads them, without importing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from mixvllm.errors import Problem
from mixvllm.settings.fields import PASS_THROUGH_SECTION, SettingField, all_fields
from mixvllm.settings.layers.vllm_spellings import is_number, spelled_out
from mixvllm.settings.names import nearest
from mixvllm.settings.origin import Given, Layer, Origin, given_by_flag
from mixvllm.settings.reading import Reading
from mixvllm.vllm_internals.arguments import Argument, arguments
from mixvllm.vllm_internals.removed_arguments import removal

# What vLLM takes for a setting of ours and our own spelling of it.
SYNONYMS = {
    ("inference.dtype", "half"): "float16",
    ("inference.dtype", "float"): "float32",
    ("inference.max_model_len", "-1"): "auto",
}


@dataclass(frozen=True)
class Unread:
    """Words that are no flag of vLLM, and why."""

    words: tuple[str, ...]
    problem: Problem

    @property
    def is_stray(self) -> bool:
        """Whether it is a word that belongs to no flag."""
        return not self.words[0].startswith("-")


@dataclass(frozen=True)
class VllmFlags:
    """A command line of vLLM, read: nothing of it is lost."""

    given: tuple[Given, ...]
    unread: tuple[Unread, ...]


def read_vllm_flags(words: Sequence[str]) -> Reading:
    """Read vLLM's own flags; those that have a setting of ours count as that setting."""
    flags = parse_vllm_flags(words)
    return Reading(flags.given, tuple(unread.problem for unread in flags.unread))


def parse_vllm_flags(words: Sequence[str]) -> VllmFlags:
    """Read vLLM's own flags, and keep the words that are none.

    `--x value`, `--x=value`, `--no-x`, short flags, unambiguous beginnings, underscores for
    hyphens, lists, `--x.key value` and `-O3` are read as vLLM's parser reads them.
    """
    words = spelled_out(words, known=lambda name: find_argument(name) is not None)
    given: list[Given] = []
    unread: list[Unread] = []
    position = 0
    while position < len(words):
        result, taken = _read_one(words[position], _values_after(words, position))
        if isinstance(result, Problem):
            unread.append(Unread(tuple(words[position : position + taken]), result))
        else:
            given.append(result)
        position += taken
    return VllmFlags(tuple(_gather_repeated(given)), tuple(unread))


def _gather_repeated(given: Sequence[Given]) -> list[Given]:
    """`--middleware a --middleware b` is one value, a list."""
    gathered: dict[str, Given] = {}
    others = []
    for one in given:
        argument = arguments().get(one.key.partition(".")[2])
        if argument is None or argument.kind != "repeated":
            others.append(one)
            continue
        earlier = gathered[one.key].value if one.key in gathered else []
        gathered[one.key] = replace(one, value=[*earlier, one.value])
    return [*others, *gathered.values()]


def _values_after(words: Sequence[str], position: int) -> list[str]:
    values = []
    for word in words[position + 1 :]:
        if word.startswith("-") and not is_number(word):
            break
        values.append(word)
    return values


def _read_one(word: str, following: list[str]) -> tuple[Given | Problem, int]:
    """The flag that begins with `word`, or what is wrong, and how many words it took."""
    name, equals, inline = _value_apart(word).partition("=")
    found = find_argument(name) if name.startswith("-") else None
    if found is None:
        is_stray = not word.startswith("-")
        return _unknown(word if is_stray else name), 1 if is_stray or equals else 1 + len(following)
    argument, switched_on = found
    if argument.kind in ("switch", "switch_on"):
        if equals:
            return _problem(name, "takes no value: it is on, or off as `--no-...`"), 1
        return _given_argument(argument, name, switched_on), 1
    values = [inline] if equals else following
    if not values:
        return _problem(name, "needs a value"), 1
    is_list = argument.kind == "list"
    taken = 1 if equals else 1 + (len(values) if is_list else 1)
    if is_list and argument.name in field_by_argument() and len(values) > 1:
        return _problem(name, f"takes one value in mixvllm, not {len(values)}"), taken
    return _given_argument(argument, name, list(values) if is_list else values[0]), taken


def _value_apart(word: str) -> str:
    """`-qawq` as `-q=awq`: flags of one letter, and those alone, may have their value on them."""
    flags, letter, value = _arguments_by_flag(), word[:2], word[2:]
    if word in flags or letter not in flags or not value:
        return word
    return f"{letter}={value.removeprefix('=')}"


@cache
def _arguments_by_flag() -> dict[str, tuple[Argument, bool]]:
    by_flag = {}
    for argument in arguments().values():
        for flag in (argument.flag, *argument.short_flags):
            by_flag[flag] = (argument, True)
        if argument.kind == "switch":
            by_flag[argument.flag.replace("--", "--no-", 1)] = (argument, False)
    return by_flag


def find_argument(name: str) -> tuple[Argument, bool] | None:
    """The argument that a flag names, or only one can mean, and whether it is switched on."""
    by_flag = _arguments_by_flag()
    spelled = name.replace("_", "-") if name.startswith("--") else name
    if spelled in by_flag or not spelled.startswith("--"):
        return by_flag.get(spelled)
    begun = [flag for flag in by_flag if flag.startswith(spelled)]
    return by_flag[begun[0]] if len(begun) == 1 else None


def _unknown(name: str) -> Problem:
    if not name.startswith("-"):
        return _problem(name, f"stands alone: {name!r} belongs to no flag of vLLM")
    if removed := removal(name.removeprefix("--").removeprefix("no-").replace("-", "_")):
        return _problem(name, removed)
    return _problem(name, "is no flag that this vLLM knows", _meant(name))


def _meant(name: str) -> str | None:
    """The flag that was meant: one whose value was written onto it (`-tp2`), or the nearest."""
    digits = len(name) - len(name.rstrip("0123456789"))
    if not name.startswith("--") and digits and name[:-digits] in _arguments_by_flag():
        return f"write {name[:-digits]} {name[-digits:]}"
    # Without the dashes: with them any two flags are alike.
    by_word = {flag.lstrip("-"): flag for flag in _arguments_by_flag()}
    near = nearest(name.replace("_", "-").lstrip("-"), by_word)
    return by_word[near] if near else None


def _problem(written: str, message: str, suggestion: str | None = None) -> Problem:
    return Problem(
        message=message,
        key=written,
        source="command line",
        suggestion=suggestion,
        code="unknown-setting",
    )


@cache
def field_by_argument() -> dict[str, SettingField]:
    """The arguments of vLLM that are settings of ours."""
    names = {field.name: field for field in all_fields() if field.section != "generation_defaults"}
    by_vllm_flag = {s.lstrip("-").replace("-", "_"): f for f in all_fields() for s in f.flags}
    served = by_vllm_flag["served_model_name"]
    return {
        **{name: names[name] for name in arguments() if name in names},
        "model": by_vllm_flag["model"],
        "served_model_name": served,
    }


def _given_argument(argument: Argument, written: str, value: Any) -> Given:
    field = field_by_argument().get(argument.name)
    if field is None:
        origin = Origin(Layer.COMMAND_LINE, name=written)
        return Given(f"{PASS_THROUGH_SECTION}.{argument.name}", written, value, origin)
    plain = value[0] if isinstance(value, list) else value
    return given_by_flag(field.key, written, SYNONYMS.get((field.key, plain), plain))
