"""Options that several commands share; each setting's flag is made from the schema."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

from mixvllm.cli.completion import (
    complete_config_files,
    complete_models,
    complete_profiles,
    completer_of,
)
from mixvllm.settings.flags import GivenFlag, SettingFlag, setting_flags

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="The YAML file to read; ./mixvllm.yaml when none is named.",
        autocompletion=complete_config_files,
        rich_help_panel="Configuration",
    ),
]
ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="A profile of the file, laid over the rest of it.",
        autocompletion=complete_profiles,
        rich_help_panel="Configuration",
    ),
]
ModelArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="MODEL",
        help="The model: a Hugging Face name, a local directory, or `demo`.",
        autocompletion=complete_models,
        show_default=False,
    ),
]
ModelsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="MODEL",
        help="The model: a Hugging Face name, a path, or `demo`; several are put side by side.",
        autocompletion=complete_models,
        show_default=False,
    ),
]

PANELS = {
    "model": "Model",
    "inference": "Inference",
    "server": "Server",
    "generation_defaults": "Generation defaults",
}


@dataclass(frozen=True)
class Spelling:
    """One way to write one setting's flag; all but the first are hidden from `--help`."""

    flag: str
    field: SettingFlag
    is_hidden: bool
    switches_off: bool = False

    @property
    def parameter(self) -> str:
        """The name of the command's parameter that takes it."""
        return "flag_" + self.flag.lstrip("-").replace("-", "_")

    def given(self, value: Any) -> GivenFlag:
        """The flag as the user gave it."""
        return GivenFlag(self.flag, False if self.switches_off else value)


@cache
def spellings() -> tuple[Spelling, ...]:
    """Every spelling of every setting's flag: an option each, so that messages can name it."""
    found = []
    for field in setting_flags():
        found += [Spelling(flag, field, index > 0) for index, flag in enumerate(field.flags)]
        if field.is_flag_pair:
            off = field.flags[0].replace("--", "--no-", 1)
            found.append(Spelling(off, field, is_hidden=True, switches_off=True))
    return tuple(found)


def with_setting_flags(
    command: Callable[..., Any], *, keys: frozenset[str] | None = None
) -> Callable[..., Any]:
    """Give a command one option for every field of the schema, or for those of `keys`.

    The command takes `flags: list[GivenFlag]`; what the user did not give is not in it.
    """
    taken = [each for each in spellings() if keys is None or each.field.key in keys]
    signature = inspect.signature(command, eval_str=True)
    own = [p for p in signature.parameters.values() if p.name != "flags"]

    @functools.wraps(command)
    def wrapper(**arguments: Any) -> Any:
        flags = [
            spelling.given(value)
            for spelling in taken
            if (value := arguments.pop(spelling.parameter)) is not None
        ]
        return command(**arguments, flags=flags)

    options = [_option(spelling) for spelling in taken]
    wrapper.__signature__ = inspect.Signature([*own, *options])  # type: ignore[attr-defined]
    wrapper.__annotations__ = {p.name: p.annotation for p in [*own, *options]}
    del wrapper.__wrapped__
    return wrapper


def _option(spelling: Spelling) -> inspect.Parameter:
    field = spelling.field
    option = typer.Option(
        spelling.flag,
        help=_help(field),
        metavar=None if field.is_flag_pair else _metavar(field),
        show_default=False,
        hidden=spelling.is_hidden,
        rich_help_panel=PANELS[field.section],
        autocompletion=completer_of(field),
    )
    annotation: Any = bool | None if field.is_flag_pair else str | None
    return inspect.Parameter(
        spelling.parameter,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[annotation, option],
    )


# Short, so that 80 columns keep whole flag names; ranges and choices stand in the help.
METAVARS = {"integer": "INT", "number": "NUM", "text": "TEXT"}


def _metavar(field: SettingFlag) -> str:
    kinds = [METAVARS[kind] for kind in field.type_name.split(" or ") if kind in METAVARS]
    return "|".join([*kinds, *field.choices] if kinds else ["CHOICE"])


def _help(field: SettingFlag) -> str:
    choices = " | ".join(field.choices) if _metavar(field) == "CHOICE" else None
    facts = [choices, field.range_text, f"default: {field.default_text}"]
    others = [s.flag for s in spellings() if s.field is field and s.is_hidden]
    if others:
        facts.append("also " + ", ".join(others))
    notes = "; ".join(fact for fact in facts if fact)
    return f"{field.meaning} \\[{notes}]"
