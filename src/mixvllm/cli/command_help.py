"""What a command says of itself, for `--help`: its parameters as rows.

typer's own drawing breaks paragraphs where the source does, shows Python's names of types, cuts
long flags in a terminal of 80 columns, and imports a Markdown parser.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from typer.core import TyperArgument

from mixvllm.cli.parameter_words import choices_of, range_text
from mixvllm.render.help import HelpPage, HelpRow, render_help

ARGUMENTS, OPTIONS = "Arguments", "Options"
# What is written for a value whose option names none.
VALUES = {"int": "INT", "float": "NUM"}


def draw_help(command: Any, ctx: Any, commands: Mapping[str, str] | None = None) -> None:
    """Print the help of a command, or of a group with these commands."""
    panels: dict[str, list[HelpRow]] = {ARGUMENTS: [], OPTIONS: []}
    for parameter in command.get_params(ctx):
        if not getattr(parameter, "hidden", False):
            usual = ARGUMENTS if isinstance(parameter, TyperArgument) else OPTIONS
            title = getattr(parameter, "rich_help_panel", None) or usual
            panels.setdefault(title, []).append(_row(parameter))
    if commands:
        panels["Commands"] = [HelpRow(name, text) for name, text in commands.items()]
    page = HelpPage(
        usage=" ".join((ctx.command_path, *command.collect_usage_pieces(ctx))),
        text=inspect.cleandoc(command.help or ""),
        panels=tuple(panels.items()),
        epilog=command.epilog or "",
    )
    Console(highlight=False, emoji=False).print(render_help(page))


def _row(parameter: Any) -> HelpRow:
    facts = "; ".join(filter(None, (range_text(parameter), _default_text(parameter))))
    said = f"\\[{facts}]" if facts else ""
    text = " ".join(filter(None, (getattr(parameter, "help", None), said)))
    if isinstance(parameter, TyperArgument):
        dots = "..." if parameter.nargs == -1 else ""
        return HelpRow(f"{parameter.display_name_raw}{dots}", text)
    # typer keeps the names of --help in a set: their order would change from run to run.
    names = sorted(parameter.opts, key=len, reverse=True)
    return HelpRow(", ".join([*names, *parameter.secondary_opts]), text, _value(parameter))


def _value(option: Any) -> str:
    if option.metavar is not None:
        return str(option.metavar)
    if getattr(option, "is_flag", False):
        return ""
    if choices := choices_of(option):
        return "|".join(choices)
    kind = option.type_descriptor
    return VALUES.get(kind.ranged_type_name if kind.is_ranged else option.bare_type(), "TEXT")


def _default_text(parameter: Any) -> str:
    shown, default = parameter.show_default, parameter.default
    if isinstance(shown, str):
        return f"default: {shown}"
    is_told = bool(shown) and default not in (None, False, True, ())
    return f"default: {getattr(default, 'value', default)}" if is_told else ""
