"""A server that does not read tool calls is answered with the setting that makes it."""

from __future__ import annotations

import pytest

from mixvllm.chat.events import Answered, Failed
from mixvllm.chat.served_model import ServedModel
from mixvllm.chat.tool_settings import tools_hint, written_as_text
from mixvllm.chat.tools import Tool
from tests.chat.scripted_server import ScriptedServer, error, refuses, says
from tests.chat.talking import Tools, all_of, echo, talk

QWEN = ServedModel("assistant", 4096, root="Qwen/Qwen2.5-7B-Instruct")
SETTING = "Start it with `vllm: {enable_auto_tool_choice: true, tool_call_parser: %s}`"
ADD = (Tool("add", "test", "", {}),)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "said",
    [
        '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
        'tool_choice="required" requires --tool-call-parser to be set',
        'tool_choice=function "add" requires --tool-call-parser to be set',
    ],
)
async def test_the_refusal_of_vllm_becomes_the_setting_for_this_model(said: str) -> None:
    with ScriptedServer([refuses(400, error(said))]) as server:
        async with talk(server, model=QWEN, toolbox=Tools(add=echo)) as conversation:
            events = await all_of(conversation.send("Add"))

    hint = f"{SETTING % 'hermes'} in its configuration."
    assert events == [Failed("tools_off", "The server was started without tool calls.", hint)]


def test_a_model_that_nobody_knows_sends_to_its_documentation() -> None:
    hint = tools_hint(ServedModel("my-own"))

    assert hint == f"{SETTING % 'PARSER'} and the parser of the model's documentation."


@pytest.mark.anyio
async def test_a_call_that_comes_as_text_is_told_after_the_answer() -> None:
    text = '<tool_call>\n{"name": "add", "arguments": {}}\n</tool_call>'
    with ScriptedServer([says(text)]) as server:
        async with talk(server, model=QWEN, toolbox=Tools(add=echo)) as conversation:
            *_, answered, failed = await all_of(conversation.send("Add"))

    assert isinstance(answered, Answered)
    assert isinstance(failed, Failed)
    assert failed.kind == "tools_off"
    assert failed.message == (
        "The model wrote a tool call as text (<tool_call>); the server did not read it as one."
    )


@pytest.mark.parametrize(
    "text",
    [
        "Let me see.\n<tool_call>{}",
        '[TOOL_CALLS][{"name": "add"}]',
        '<|python_tag|>{"name": "add"}',
        "<function=add></function>",
        '{"name": "add", "parameters": {"a": 1}}',
        '[{"name": "add"}]',
    ],
)
def test_calls_are_known_by_their_marks(text: str) -> None:
    assert written_as_text(QWEN, text, ADD) is not None
    assert written_as_text(QWEN, text, ()) is None


@pytest.mark.parametrize(
    "text",
    ["", "Hello", "Models write <tool_call> first.", '{"name": "Ann"}', "[1, 2]", "{"],
)
def test_talk_about_calls_is_none(text: str) -> None:
    assert written_as_text(QWEN, text, ADD) is None
