"""vLLM's own reading of its arguments; loading this module loads nothing of vLLM."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import NoReturn

from mixvllm.errors import SettingsError
from mixvllm.vllm_internals import symbols


class _Refused(Exception):
    """What the parser has to say in place of ending the process."""


def build_parser() -> ArgumentParser:
    """The argument parser of vLLM's API server; it raises instead of exiting."""

    def error(self: ArgumentParser, message: str) -> NoReturn:
        raise _Refused(message)

    base = symbols.PARSER_CLASS.load()
    parser = symbols.MAKE_ARG_PARSER.load()(type("Parser", (base,), {"error": error})())
    assert hasattr(parser, "parse_args")
    return parser  # type: ignore[no-any-return]


def parse_arguments(arguments: list[str]) -> Namespace:
    """Read the arguments of vLLM's API server as vLLM does, with its checks.

    Raises:
        SettingsError: vLLM refuses them.
    """
    try:
        args = build_parser().parse_args(arguments)
        symbols.VALIDATE_PARSED_ARGS.load()(args)
        import_parser_plugins(args)
        symbols.VALIDATE_API_SERVER_ARGS.load()(args)
    except (_Refused, ValueError, TypeError, KeyError) as error:
        said = str(error.args[0]) if error.args else str(error)
        raise SettingsError(
            f"vLLM does not take these settings: {said.removeprefix('Error: ')}",
            hint="`mixvllm config show --vllm-args` prints what it is given.",
            code="vllm-refuses-settings",
        ) from error
    return args


def quantization_methods() -> list[str]:
    """The quantization methods that this vLLM knows."""
    return list(symbols.QUANTIZATION_METHODS.load())


def import_parser_plugins(args: Namespace) -> None:
    """Load the parsers that the arguments name by their files."""
    if args.tool_parser_plugin:
        symbols.TOOL_PARSERS.load().import_tool_parser(args.tool_parser_plugin)
    if args.reasoning_parser_plugin:
        symbols.REASONING_PARSERS.load().import_reasoning_parser(args.reasoning_parser_plugin)
