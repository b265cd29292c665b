"""Which tool-call parser of vLLM reads what a model writes, by its chat template or its name.

The names are those of vLLM's documentation (Tool Calling), the marks those that its parsers look
for. A template is better evidence than a name: fine-tunes keep the first and change the second.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from mixvllm.vllm_internals.arguments import arguments

TOOL_CALL_PARSER = "tool_call_parser"


@dataclass(frozen=True)
class Family:
    """Models that write tool calls in one way.

    Attributes:
        parsers: The parsers that read it, the one to take first.
        name: What the last part of their names begins with, in small letters.
        marks: What their chat templates contain, all of them; empty where nothing is their own.
    """

    parsers: tuple[str, ...]
    name: re.Pattern[str]
    marks: tuple[str, ...] = ()


def _family(parsers: str, name: str, *marks: str) -> Family:
    return Family(tuple(parsers.split()), re.compile(name), marks)


QWEN_XML = "qwen3_coder qwen3_xml"
HERMES = "hermes qwen3_json"
# The first row that matches counts: the particular before the general.
FAMILIES = (
    _family("seed_oss", r"seed-oss", "seed:tool_call"),
    _family("minimax_m2", r"minimax-m2", "minimax:tool_call"),
    _family("kimi_k2", r"kimi-k2", "<|tool_calls_section_begin|>"),
    _family("openai", r"gpt-oss", "<|channel|>", "<|message|>"),
    _family("lfm2", r"lfm2", "<|tool_call_start|>"),
    _family("functiongemma", r"functiongemma", "<start_function_call>"),
    _family("longcat", r"longcat", "<longcat_tool_call>"),
    _family("olmo3", r"olmo-3", "<function_calls>"),
    _family("apertus", r"apertus", "<|tools_prefix|>"),
    _family("gemma4", r"gemma-4", "<|tool_call>"),
    _family("glm47 glm45", r"glm-4\.7"),
    _family("glm45 glm47", r"glm-4\.[56]", "<arg_key>", "<tool_call>"),
    _family(HERMES, r"smollm3"),
    _family("xlam", r"((llama|qwen)-)?xlam"),
    _family("mistral", r"(mistral|mixtral|ministral|devstral|magistral)", "[TOOL_CALLS]"),
    _family("llama4_pythonic llama4_json pythonic", r"(meta-)?llama-4"),
    _family("llama3_json llama4_json pythonic", r"(meta-)?llama-3\.[1-3]", "<|python_tag|>"),
    _family("granite-20b-fc", r"granite-20b-functioncalling"),
    _family("granite4 hermes", r"granite-4"),
    _family("granite", r"granite-3"),
    _family("internlm", r"internlm2_5"),
    _family("jamba", r"(ai21-)?jamba-(1\.5|large|mini)"),
    _family("deepseek_v32", r"deepseek-v3\.2"),
    _family("deepseek_v31", r"deepseek-v3\.1"),
    _family("deepseek_v3", r"deepseek-(v3|r1)(-0\d|$)"),
    _family("hunyuan_a13b", r"hunyuan-a13b"),
    _family("cohere_command3", r"command-a"),
    _family("gigachat3", r"gigachat3"),
    _family("phi4_mini_json", r"phi-4-mini"),
    _family(QWEN_XML, r"qwen3(-coder|\.5)", "<function=", "<parameter=", "<tool_call>"),
    _family(HERMES, r"(qwen2\.5|qwq-32b|qwen3-|hermes-[2-4])", "<tool_call>", '"arguments"'),
)


def suggest_tool_parsers(
    name: str, chat_template: str | None = None, known: Collection[str] | None = None
) -> tuple[str, ...]:
    """The parsers that read a model's tool calls, the one to take first; empty where unknown.

    Args:
        name: The model's name on the hub, or its path.
        chat_template: Its chat template, where it is at hand.
        known: The parsers to choose from; those of the installed vLLM where left out.
    """
    family = _by_template(chat_template) if chat_template else None
    family = family or _by_name(name)
    if family is None:
        return ()
    allowed = known_tool_parsers() if known is None else known
    return tuple(parser for parser in family.parsers if parser in allowed)


def known_tool_parsers() -> tuple[str, ...]:
    """The parsers that the installed vLLM brings, or the newest one that is known."""
    return arguments()[TOOL_CALL_PARSER].known


def _by_template(template: str) -> Family | None:
    if "tools" not in template:
        return None
    marked = (family for family in FAMILIES if family.marks)
    return next(
        (family for family in marked if all(mark in template for mark in family.marks)), None
    )


def _by_name(name: str) -> Family | None:
    last = name.rstrip("/").rpartition("/")[2].lower()
    return next((family for family in FAMILIES if family.name.match(last)), None)
