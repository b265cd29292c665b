"""Groups of commands as a table: a command's module is imported when it runs, not before."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from functools import partial
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from mixvllm.cli.loaded_when_used import load_when_used
from mixvllm.errors import UsageError

PLUGINS_VARIABLE = "PYDANTIC_DISABLE_PLUGINS"

# name: (module, one-line help)
Table = Mapping[str, tuple[str, str]]


class CommandTable(TyperGroup):
    """A group that prints its help, and finds its commands, without importing them."""

    table: ClassVar[Table] = {}

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the group's own options; typer has added those for completion by now."""
        check_where_given(self, ctx)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:
        """The commands in the order of the table."""
        return list(self.table)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A placeholder that carries the one-line help."""
        if cmd_name not in self.table:
            return None
        text = self.table[cmd_name][1]
        # Without a short one typer cuts it for completion.
        return TyperCommand(cmd_name, callback=None, help=text, short_help=text)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The real command, imported now.

        Raises:
            UsageError: there is no such command.
        """
        is_typed = not ctx.resilient_parsing  # else it is being completed
        if is_typed and args[0] not in self.table and not args[0].startswith("-"):
            raise UsageError(
                f"There is no command {args[0]!r}.", hint=self._cure(ctx.command_path, args[0])
            )
        name, _, rest = super().resolve_command(ctx, args)
        if name is None:
            return None, None, rest
        command = load_command(self.table, name)
        check_where_given(command, ctx)
        return name, command, rest

    def _cure(self, path: str, written: str) -> str:
        if written in ("help", "version"):
            return f"Did you mean `{path} --{written}`?"
        matches = get_close_matches(written, self.table, n=1)
        return f"Did you mean `{path} {matches[0]}`?" if matches else f"Try '{path} --help'."

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Draw the help from the table."""
        _draw_help(self, ctx, {name: text for name, (_, text) in self.table.items()})


@contextmanager
def without_pydantic_plugins() -> Iterator[None]:
    """Build models without asking for plugins, as typer does.

    Ours need none, and to find them pydantic reads the metadata of every installed package.
    """
    before = os.environ.get(PLUGINS_VARIABLE)
    os.environ[PLUGINS_VARIABLE] = "__all__"
    try:
        yield
    finally:
        if before is None:
            del os.environ[PLUGINS_VARIABLE]
        else:
            os.environ[PLUGINS_VARIABLE] = before


def load_command(table: Table, name: str) -> Any:
    """Import a command's module and make its command."""
    # pydantic-settings imports it for programs that it runs itself; it costs as much as rich.
    load_when_used("asyncio")
    with without_pydantic_plugins():
        module = importlib.import_module(table[name][0])
    command: Any = typer.main.get_command(module.app)
    command.name = name
    command.parse_args = partial(_parse, command.parse_args)
    if not isinstance(command, CommandTable):
        command.format_help = lambda ctx, _: _draw_help(command, ctx)
    return command


def _parse(parse: Callable[[Any, list[str]], list[str]], ctx: Any, args: list[str]) -> list[str]:
    """Parse, and say of every mistake whose it is: typer's parser leaves that out of some."""
    try:
        return parse(ctx, args)
    except typer.TyperException as error:
        if getattr(error, "ctx", None) is None:
            vars(error)["ctx"] = ctx
        raise


def _draw_help(command: Any, ctx: Any, commands: Mapping[str, str] | None = None) -> None:
    from mixvllm.cli.command_help import draw_help  # what draws is loaded for this alone

    draw_help(command, ctx, commands)


def check_where_given(command: Any, ctx: Any) -> None:
    """Let a command check the options that are given, and those alone; at a Tab none of them.

    typer would import pydantic, which costs more than many a command, to find nothing in nothing.
    """
    for parameter in command.get_params(ctx):
        if ctx.resilient_parsing:
            parameter.process_value = _as_written
        elif not parameter.required and not parameter.multiple and parameter.nargs == 1:
            parameter.process_value = partial(_process, parameter, parameter.process_value)


def _as_written(_: Any, value: Any) -> Any:
    return value


def _process(parameter: Any, check: Callable[[Any, Any], Any], ctx: Any, value: Any) -> Any:
    if value is not None:
        return check(ctx, value)
    return parameter.callback(ctx, parameter, None) if parameter.callback else None


def command_group(table: Table, *, epilog: str = "", add_completion: bool = True) -> typer.Typer:
    """A typer app for the commands of a table; it wants a callback whose docstring is its help."""
    return typer.Typer(
        cls=type("CommandTable", (CommandTable,), {"table": table}),
        no_args_is_help=True,
        add_completion=add_completion,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog=epilog,
    )
