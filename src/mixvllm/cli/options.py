"""Options that several commands share; each setting's flag is made from the schema."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from mixvllm.settings.fields import SettingField, all_fields
from mixvllm.settings.layers.command_line import GivenFlag

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="The YAML file to read; ./mixvllm.yaml when none is named.",
        rich_help_panel="Configuration",
    ),
]
ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="A profile of the file, laid over the rest of it.",
        rich_help_panel="Configuration",
    ),
]
ModelArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[MODEL]",
        help="The model: a Hugging Face name, a local directory, or `demo`.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write one JSON document to stdout.")]

PANELS = {
    "model": "Model",
    "inference": "Inference",
    "server": "Server",
    "generation_defaults": "Generation defaults",
}


def with_setting_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command one option for every field of the schema.

    The command takes `flags: list[GivenFlag]`; what the user did not give is not in it. Every
    spelling is an option of its own, so that a message can name the flag as it was written.
    """
    signature = inspect.signature(command, eval_str=True)
    own = [p for p in signature.parameters.values() if p.name != "flags"]
    spellings = {
        _parameter_name(spelling): (spelling, field)
        for field in all_fields()
        for spelling in field.flags
    }

    @functools.wraps(command)
    def wrapper(**arguments: Any) -> Any:
        flags = [
            GivenFlag(_as_written(spelling, field, value), value)
            for name, (spelling, field) in spellings.items()
            if (value := arguments.pop(name)) is not None
        ]
        return command(**arguments, flags=flags)

    options = [_option(name, spelling, field) for name, (spelling, field) in spellings.items()]
    wrapper.__signature__ = inspect.Signature([*own, *options])  # type: ignore[attr-defined]
    wrapper.__annotations__ = {p.name: p.annotation for p in [*own, *options]}
    del wrapper.__wrapped__
    return wrapper


def _parameter_name(spelling: str) -> str:
    return "flag_" + spelling.lstrip("-").replace("-", "_")


def _as_written(spelling: str, field: SettingField, value: Any) -> str:
    return spelling.replace("--", "--no-", 1) if field.is_flag_pair and not value else spelling


def _option(name: str, spelling: str, field: SettingField) -> inspect.Parameter:
    first = spelling == field.flags[0]
    declaration = spelling
    if field.is_flag_pair:
        declaration = f"{spelling}/{spelling.replace('--', '--no-', 1)}"
    option = typer.Option(
        declaration,
        help=_help(field),
        metavar=None if field.is_flag_pair else _metavar(field),
        show_default=False,
        hidden=not first,
        rich_help_panel=PANELS[field.section],
        autocompletion=_completion(field),
    )
    annotation: Any = bool | None if field.is_flag_pair else str | None
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[annotation, option],
    )


def _metavar(field: SettingField) -> str:
    return "|".join(field.choices) if field.choices else field.type_name.upper()


def _completion(field: SettingField) -> Callable[[], list[str]] | None:
    return (lambda: list(field.choices)) if field.choices else None


def _help(field: SettingField) -> str:
    facts = [field.range_text, f"default: {field.default_text}"]
    if len(field.flags) > 1:
        facts.append("also " + ", ".join(field.flags[1:]))
    notes = "; ".join(fact for fact in facts if fact)
    return f"{field.meaning} [dim]\\[{notes}][/]"
