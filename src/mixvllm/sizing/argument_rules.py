"""Whether vLLM's own arguments go together: parsers of tool calls and reasoning, chat template.

The rules are `validate_parsed_serve_args`, `validate_api_server_args`, `validate_chat_template` and
`ParserManager.get_tool_parser` of vLLM 0.32 and 0.33.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from pathlib import Path

from mixvllm.models.chat_template import chat_template_of
from mixvllm.models.found import FoundModel
from mixvllm.settings.schema import ServeConfig
from mixvllm.sizing.finding import Finding
from mixvllm.vllm_internals.arguments import arguments
from mixvllm.vllm_internals.installed import package_directory
from mixvllm.vllm_internals.tool_parsers import known_tool_parsers, suggest_tool_parsers

TOOL_PARSER = "vllm.tool_call_parser"
AUTO_TOOLS = "vllm.enable_auto_tool_choice"
REASONING_PARSER = "vllm.reasoning_parser"
CHAT_TEMPLATE = "vllm.chat_template"
# A text with one of these is a template, and not the path of one.
OF_A_TEMPLATE = frozenset("{}\n")
BUILT_IN_TEMPLATES = Path("transformers_utils", "chat_templates")
MOST_NAMES = 3


def argument_findings(settings: ServeConfig, found: FoundModel | None) -> Iterator[Finding]:
    """Everything in vLLM's own arguments that does not go together.

    Args:
        settings: The settings.
        found: The model, where it is known.
    """
    yield from _tool_parser(settings, found)
    yield from _reasoning_parser(settings)
    yield from _chat_template(settings)


def suggested_parsers(settings: ServeConfig, found: FoundModel | None) -> tuple[str, ...]:
    """The tool-call parsers that read what this model writes; empty where that is not known."""
    template = None if found is None else chat_template_of(found)
    return suggest_tool_parsers(settings.model.name or "", template)


def _tool_parser(settings: ServeConfig, found: FoundModel | None) -> Iterator[Finding]:
    parser = settings.vllm.get("tool_call_parser")
    auto = settings.vllm.get("enable_auto_tool_choice")
    if not parser and not auto:
        return
    good = suggested_parsers(settings, found)
    if not parser:
        yield Finding(
            (AUTO_TOOLS,),
            "enable_auto_tool_choice needs a tool_call_parser, and none is set",
            advice=_set_parser(settings, good),
            code="tool-parser-settings",
        )
    elif parser not in known_tool_parsers():
        yield from _unknown_parser(settings, str(parser), certain=bool(auto), good=good)
    elif not auto:
        yield Finding(
            (TOOL_PARSER,),
            "tool_call_parser has no effect without enable_auto_tool_choice",
            "warning",
            "set `enable_auto_tool_choice: true` beside it",
            code="tool-parser-settings",
        )
    elif good and parser not in good:
        yield Finding(
            (TOOL_PARSER,),
            f"{settings.model.name} does not write tool calls as the parser {parser} reads them",
            "warning",
            f"set `tool_call_parser: {good[0]}`",
            code="tool-parser-settings",
        )


def _unknown_parser(
    settings: ServeConfig, parser: str, *, certain: bool, good: tuple[str, ...]
) -> Iterator[Finding]:
    if settings.vllm.get("tool_parser_plugin"):
        return
    near = difflib.get_close_matches(parser, known_tool_parsers(), n=MOST_NAMES)
    advice = _set_parser(settings, good) if good or not near else f"near it are {', '.join(near)}"
    yield Finding(
        (TOOL_PARSER,),
        f"vLLM has no tool-call parser {parser}",
        "error" if certain else "warning",
        advice,
        code="unknown-parser",
    )


def _set_parser(settings: ServeConfig, good: tuple[str, ...]) -> str:
    if good:
        name = settings.model.name
        return f"set `tool_call_parser: {good[0]}`, which reads what {name} writes"
    return f"take the one of the model's documentation: {', '.join(known_tool_parsers())}"


def _reasoning_parser(settings: ServeConfig) -> Iterator[Finding]:
    parser = settings.vllm.get("reasoning_parser")
    known = arguments()["reasoning_parser"].known
    if not parser or parser in known or settings.vllm.get("reasoning_parser_plugin"):
        return
    near = difflib.get_close_matches(str(parser), known, n=MOST_NAMES) or known
    yield Finding(
        (REASONING_PARSER,),
        f"vLLM has no reasoning parser {parser}",
        advice=f"{'near it are' if near is not known else 'it has'} {', '.join(near)}",
        code="unknown-parser",
    )


def _chat_template(settings: ServeConfig) -> Iterator[Finding]:
    template = settings.vllm.get("chat_template")
    if not isinstance(template, str) or OF_A_TEMPLATE.intersection(template):
        return
    path = Path(template)
    if not path.exists():
        if _is_built_in(template):
            return
        yield Finding(
            (CHAT_TEMPLATE,),
            f"there is no chat template {template}",
            advice=f"it is looked for from {Path.cwd()}; leave it out to use the model's own",
            code="chat-template",
        )
    elif path.is_dir() or not os.access(path, os.R_OK):
        what = "is a directory" if path.is_dir() else "cannot be read by this user"
        yield Finding(
            (CHAT_TEMPLATE,), f"the chat template {template} {what}", code="chat-template"
        )


def _is_built_in(name: str) -> bool:
    """Whether vLLM brings a template of this name."""
    package = package_directory()
    return package is not None and (package / BUILT_IN_TEMPLATES / name).is_file()
