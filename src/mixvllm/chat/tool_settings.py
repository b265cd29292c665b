"""Which settings make a server of vLLM read tool calls, and how one sees that they are missing."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence

from mixvllm.chat.events import Failed
from mixvllm.chat.served_model import ServedModel
from mixvllm.chat.tools import Tool
from mixvllm.vllm_internals.tool_parsers import FAMILIES, suggest_tool_parsers

# What calls begin with that no parser took out of the text; some stand in no family's template.
CALL_MARKS = frozenset(
    {
        "<tool_call>",
        "<|tool_call|>",
        "<function=",
        "<function_call>",
        "<|python_tag|>",
        "[TOOL_CALLS]",
        "<|tool_calls_section_begin|>",
        "<\uff5ctool▁calls▁begin\uff5c>",
        "<\uff5cDSML\uff5c",
    }
).union(mark for family in FAMILIES for mark in family.marks if mark.startswith("<"))
# Marks of templates that are no calls.
NOT_CALLS = frozenset(
    {"<|channel|>", "<|message|>", "<arg_key>", "<parameter=", "<|tools_prefix|>"}
)
# At the beginning of a line: elsewhere a model talks about calls.
CALL = re.compile(
    rf"^\s*({'|'.join(re.escape(mark) for mark in sorted(CALL_MARKS - NOT_CALLS))})", re.MULTILINE
)
SHOWN_LENGTH = 40


def tools_off(model: ServedModel) -> Failed:
    """The server was started without what reads tool calls."""
    return Failed("tools_off", "The server was started without tool calls.", tools_hint(model))


def written_as_text(model: ServedModel, text: str, offered: Sequence[Tool]) -> Failed | None:
    """What to say where the model wrote a call and the server took it for text; None if not so.

    Args:
        model: The model.
        text: Its answer.
        offered: The tools that it could have called.
    """
    if not offered:
        return None
    mark = CALL.search(text)
    if mark is None and not _is_plain_call(text, {tool.name for tool in offered}):
        return None
    shown = mark[1] if mark else text.strip()[:SHOWN_LENGTH]
    return Failed(
        "tools_off",
        f"The model wrote a tool call as text ({shown}); the server did not read it as one.",
        tools_hint(model),
    )


def _is_plain_call(text: str, names: Collection[str]) -> bool:
    """Whether the whole text is a call without marks, as Llama and Phi write it."""
    try:
        read = json.loads(text)
    except ValueError:
        return False
    calls = read if isinstance(read, list) else [read]
    return any(isinstance(call, dict) and call.get("name") in names for call in calls)


def tools_hint(model: ServedModel) -> str:
    """The setting that makes the server read this model's tool calls."""
    parser = next((p for name in _names(model) for p in suggest_tool_parsers(name)), None)
    setting = "Start it with `vllm: {{enable_auto_tool_choice: true, tool_call_parser: {}}}`"
    if parser is None:
        return f"{setting.format('PARSER')} and the parser of the model's documentation."
    return f"{setting.format(parser)} in its configuration."


def _names(model: ServedModel) -> tuple[str, ...]:
    """What the model may be known by: an alias says nothing of its family."""
    return tuple(name for name in (model.root, model.parent, model.name) if name)
