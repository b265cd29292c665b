"""Which parser reads a model's tool calls."""

import pytest

from mixvllm.models.sources.catalogue_file import names
from mixvllm.vllm_internals.arguments import VERSIONS, arguments
from mixvllm.vllm_internals.tool_parsers import FAMILIES, suggest_tool_parsers

HERMES_TEMPLATE = (
    '{%- if tools %}<tool_call>\n{"name": n, "arguments": a}\n</tool_call>{%- endif %}'
)


@pytest.mark.parametrize(
    ("name", "parser"),
    [
        ("Qwen/Qwen3-8B", "hermes"),
        ("Qwen/Qwen2.5-7B-Instruct-AWQ", "hermes"),
        ("Qwen/Qwen3-Coder-30B-A3B-Instruct", "qwen3_coder"),
        ("meta-llama/Llama-3.3-70B-Instruct", "llama3_json"),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", "llama4_pythonic"),
        ("openai/gpt-oss-20b", "openai"),
        ("mistralai/Mistral-7B-Instruct-v0.3", "mistral"),
        ("deepseek-ai/DeepSeek-V3-0324", "deepseek_v3"),
        ("deepseek-ai/DeepSeek-V3.1", "deepseek_v31"),
        ("zai-org/GLM-4.5-Air", "glm45"),
        ("ibm-granite/granite-4.0-h-small", "granite4"),
        ("/models/Qwen3-8B/", "hermes"),
    ],
)
def test_the_name_tells_the_parser(name: str, parser: str) -> None:
    assert suggest_tool_parsers(name)[0] == parser


@pytest.mark.parametrize("name", ["demo", "gpt2", "meta-llama/Llama-2-7b-chat-hf"])
def test_models_without_tool_calls_have_none(name: str) -> None:
    assert suggest_tool_parsers(name) == ()


@pytest.mark.parametrize(
    ("template", "parser"),
    [
        (HERMES_TEMPLATE, "hermes"),
        ("{% if tools %}<tool_call>\n<function=f>\n<parameter=p>", "qwen3_coder"),
        ("{% for t in tools %}[TOOL_CALLS] ", "mistral"),
        ("{% if tools %}<tool_call>f<arg_key>", "glm45"),
        ("{% if tools %}<|python_tag|>", "llama3_json"),
    ],
)
def test_a_template_tells_it_of_a_model_with_a_name_of_its_own(template: str, parser: str) -> None:
    assert suggest_tool_parsers("me/my-finetune", template)[0] == parser


def test_a_template_wins_over_a_name_and_one_without_tools_tells_nothing() -> None:
    assert suggest_tool_parsers("me/Llama-3.1-Hermes", HERMES_TEMPLATE)[0] == "hermes"
    assert suggest_tool_parsers("me/mine", '{{ messages }} <tool_call> "arguments"') == ()


@pytest.mark.parametrize("version", VERSIONS)
def test_every_parser_of_the_table_is_one_of_vllms(version: tuple[int, int]) -> None:
    known = arguments(version)["tool_call_parser"].known
    assert {parser for family in FAMILIES for parser in family.parsers} <= set(known)


def test_only_parsers_that_are_known_are_suggested() -> None:
    assert suggest_tool_parsers("openai/gpt-oss-20b", known=("hermes",)) == ()


def test_much_of_the_catalogue_is_covered() -> None:
    covered = [name for name in names() if suggest_tool_parsers(name)]
    assert len(covered) > 80
