"""Calls of tools: streamed, asked about, run side by side, and sent back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

import pytest

from mixvllm.chat.events import (
    Answered,
    CallBegun,
    CallFinished,
    CallPiece,
    CallRequested,
    Failed,
    RoundsSpent,
    TextPiece,
)
from mixvllm.chat.served_model import ServedModel, models_in
from mixvllm.chat.tool_round import Permissions
from mixvllm.chat.tools import Approval, Tool, ToolCall, ToolResult
from tests.chat.scripted_server import (
    MODEL,
    Answer,
    Cut,
    Piece,
    ScriptedServer,
    calls,
    document,
    error,
    event,
    model,
    refuses,
    says,
    streams,
    usage,
)
from tests.chat.talking import Tools, all_of, echo, of_type, talk

pytestmark = pytest.mark.anyio


async def test_a_call_runs_and_its_result_goes_back_to_the_model() -> None:
    tools = Tools(add=echo)
    with ScriptedServer([calls(("add", '{"a": 1}'), text="Let me see."), says("Done")]) as server:
        async with talk(server, toolbox=tools) as conversation:
            events = await all_of(conversation.send("Add"))

    kinds = [type(event) for event in events]
    assert kinds == [
        *(TextPiece, CallBegun, CallPiece, CallPiece, CallRequested, CallFinished),
        *(TextPiece, Answered),
    ]
    assert tools.called == [("add", {"a": 1})]
    first, second = server.asked
    assert first["tools"][0]["function"] == {
        "name": "add",
        "description": "The add.",
        "parameters": {"type": "object"},
    }
    said, result = second["messages"][1:]
    assert said["content"] == "Let me see."
    assert said["tool_calls"][0]["function"] == {"name": "add", "arguments": '{"a": 1}'}
    assert result == {"role": "tool", "tool_call_id": "id-0", "content": "got {'a': 1}"}


async def test_parallel_calls_run_side_by_side_and_go_back_in_their_order() -> None:
    other_runs = asyncio.Event()

    async def waits(arguments: Mapping[str, Any]) -> ToolResult:
        await other_runs.wait()
        return ToolResult("first")

    async def releases(arguments: Mapping[str, Any]) -> ToolResult:
        other_runs.set()
        return ToolResult("second")

    both = calls(("waits", "{}"), ("releases", "{}"))
    with ScriptedServer([both, says("ok")]) as server:
        async with talk(server, toolbox=Tools(waits=waits, releases=releases)) as conversation:
            await all_of(conversation.send("Go"))

    assert [each["content"] for each in server.asked[1]["messages"][2:]] == ["first", "second"]


async def test_calls_that_are_chained_take_a_round_each() -> None:
    script = [calls(("add", '{"a": 1}')), calls(("add", '{"a": 2}')), says("3")]
    tools = Tools(add=echo)
    with ScriptedServer(script) as server:
        async with talk(server, toolbox=tools) as conversation:
            await all_of(conversation.send("Add"))

    assert [arguments["a"] for _, arguments in tools.called] == [1, 2]
    assert len(server.asked[2]["messages"]) == 5


@pytest.mark.parametrize("arguments", ['{"a": ', "[1]", "seven", '"text"'])
async def test_arguments_that_are_no_json_object_go_back_as_an_error(arguments: str) -> None:
    tools = Tools(add=echo)
    with ScriptedServer([calls(("add", arguments)), says("Sorry")]) as server:
        async with talk(server, toolbox=tools) as conversation:
            events = await all_of(conversation.send("Add"))

    assert tools.called == []
    (finished,) = of_type(events, CallFinished)
    assert finished.result.is_error
    said, result = server.asked[1]["messages"][1:]
    assert result["content"].startswith("Error: The arguments must be one JSON object")
    assert arguments in result["content"]
    # Servers read the arguments of the history too.
    assert json.loads(said["tool_calls"][0]["function"]["arguments"]) == {}


async def test_a_call_without_arguments_is_one_with_none() -> None:
    tools = Tools(now=echo)
    with ScriptedServer([calls(("now", "")), says("ok")]) as server:
        async with talk(server, toolbox=tools) as conversation:
            await all_of(conversation.send("Time?"))

    assert tools.called == [("now", {})]


async def test_a_tool_that_is_not_there_is_told_to_the_model_with_the_nearest() -> None:
    with ScriptedServer([calls(("get_tme", "{}")), says("ok")]) as server:
        async with talk(server, toolbox=Tools(get_time=echo)) as conversation:
            await all_of(conversation.send("Time?"))

    result = server.asked[1]["messages"][-1]["content"]
    assert result == "Error: There is no tool get_tme. Did you mean get_time?"


async def test_each_call_is_asked_about_until_always_is_said() -> None:
    asked: list[str] = []
    answers = [Approval.ONCE, Approval.ALWAYS]

    async def approve(call: ToolCall, tool: Tool) -> Approval:
        asked.append(f"{tool.server}: {call.name}")
        return answers.pop(0)

    script = [calls(*[("add", "{}")] * 3), says("ok")]
    tools = Tools(add=echo)
    with ScriptedServer(script) as server:
        allowed = Permissions(approve)
        async with talk(server, toolbox=tools, permissions=allowed) as conversation:
            await all_of(conversation.send("Add"))

    assert asked == ["test: add"] * 2
    assert len(tools.called) == 3


async def test_what_is_denied_is_told_to_the_model_and_nobody_at_all_denies() -> None:
    async def deny(call: ToolCall, tool: Tool) -> Approval:
        return Approval.DENY

    for permissions in (Permissions(deny), Permissions()):
        tools = Tools(add=echo)
        with ScriptedServer([calls(("add", "{}")), says("ok")]) as server:
            async with talk(server, toolbox=tools, permissions=permissions) as conversation:
                await all_of(conversation.send("Add"))

        assert tools.called == []
        result = server.asked[1]["messages"][-1]["content"]
        assert result == "Error: The user did not allow this call."


async def test_a_model_that_calls_for_ever_is_stopped_after_the_limit() -> None:
    tools = Tools(add=echo)
    with ScriptedServer([calls(("add", "{}"))]) as server:
        async with talk(server, toolbox=tools, most_rounds=3) as conversation:
            events = await all_of(conversation.send("Add"))
            await all_of(conversation.send("Go on"))

    assert events[-1] == RoundsSpent(3)
    assert len(tools.called) == 6
    # Each call has its result, without which servers refuse what comes after.
    said = server.asked[4]["messages"]
    assert [each["role"] for each in said] == ["user", *["assistant", "tool"] * 4, "user"]


async def test_a_forced_tool_is_asked_for_in_the_first_round_alone() -> None:
    with ScriptedServer([calls(("add", "{}")), says("ok")]) as server:
        async with talk(server, toolbox=Tools(add=echo), tool_choice="add") as conversation:
            await all_of(conversation.send("Add"))

    first, second = server.asked
    assert first["tool_choice"] == {"type": "function", "function": {"name": "add"}}
    assert "tool_choice" not in second


@pytest.mark.parametrize(
    ("tools", "choice", "message", "hint"),
    [
        (Tools(add=echo), "ad", "There is no tool ad.", "Did you mean add?"),
        (Tools(add=echo), "xyz", "There is no tool xyz.", "There are: add."),
        (Tools(), "add", "No tool can be called, so `add` cannot be.", "Connect a server"),
        (Tools(), "required", "No tool can be called, so `required` cannot be.", "Connect"),
    ],
)
async def test_a_tool_that_cannot_be_forced_is_told_before_anything_is_sent(
    tools: Tools, choice: str, message: str, hint: str
) -> None:
    with ScriptedServer([says("ok")]) as server:
        async with talk(server, toolbox=tools, tool_choice=choice) as conversation:
            (failed,) = await all_of(conversation.send("Add"))

    assert server.asked == []
    assert isinstance(failed, Failed)
    assert failed.message == message
    assert str(failed.hint).startswith(hint)


async def test_a_model_that_calls_though_there_are_no_tools_is_told_so() -> None:
    with ScriptedServer([calls(("add", "{}")), says("Sorry")]) as server:
        async with talk(server) as conversation:
            events = await all_of(conversation.send("Add"))

    assert isinstance(events[-1], Answered)
    said = server.asked[1]["messages"][-1]["content"]
    assert said == "Error: There is no tool add. There are: none."


async def test_a_call_that_is_cut_off_is_neither_run_nor_kept() -> None:
    call = {"index": 0, "id": "x", "function": {"name": "add", "arguments": '{"a": '}}
    half: list[Piece] = [
        event(document({"content": "Well"})),
        event(document({"tool_calls": [call]})),
        Cut(),
    ]
    tools = Tools(add=echo)
    with ScriptedServer([Answer(half)]) as server:
        async with talk(server, toolbox=tools) as conversation:
            events = await all_of(conversation.send("Add"))

    assert isinstance(events[-1], Failed)
    assert tools.called == []
    (turn,) = conversation.history.turns
    assert turn.messages[1:] == [{"role": "assistant", "content": "Well"}]


async def test_calls_that_no_number_tells_apart_are_told_apart_by_their_ids() -> None:
    def piece(id_: str | None, arguments: str) -> dict[str, Any]:
        call = {"function": {"name": "add" if id_ else None, "arguments": arguments}}
        return document({"tool_calls": [{**call, "id": id_} if id_ else call]})

    unnumbered = streams(
        *(piece("x", '{"a"'), piece(None, ": 1}"), piece("y", '{"a": 2}')),
        document({}, "tool_calls"),
        usage(),
    )
    tools = Tools(add=echo)
    with ScriptedServer([unnumbered, says("ok")]) as server:
        async with talk(server, toolbox=tools) as conversation:
            await all_of(conversation.send("Add"))

    assert [arguments for _, arguments in tools.called] == [{"a": 1}, {"a": 2}]


async def test_calls_that_share_an_id_get_their_own() -> None:
    def whole(index: int) -> dict[str, Any]:
        call = {"name": "add", "arguments": f'{{"a": {index}}}'}
        return document({"tool_calls": [{"index": index, "id": "same", "function": call}]})

    with ScriptedServer([streams(whole(0), whole(1), document({}, "stop")), says("ok")]) as server:
        async with talk(server, toolbox=Tools(add=echo)) as conversation:
            await all_of(conversation.send("Add"))

    said, *results = server.asked[1]["messages"][1:]
    ids = [call["id"] for call in said["tool_calls"]]
    assert len(set(ids)) == 2
    assert [result["tool_call_id"] for result in results] == ids


async def test_a_call_that_the_user_stops_still_gets_a_result() -> None:
    begun = asyncio.Event()

    async def hangs(arguments: Mapping[str, Any]) -> ToolResult:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    with ScriptedServer([calls(("hangs", "{}")), says("ok")]) as server:
        async with talk(server, toolbox=Tools(hangs=hangs)) as conversation:
            answer = asyncio.create_task(all_of(conversation.send("Go")))
            await begun.wait()
            answer.cancel()
            with pytest.raises(asyncio.CancelledError):
                await answer
            async with aclosing(conversation.send("And now?")) as events:
                async for _ in events:
                    pass

    said = server.asked[1]["messages"]
    assert [each["role"] for each in said] == ["user", "assistant", "tool", "user"]
    assert said[2]["content"] == "Error: The user stopped this call."


async def test_vllm_holds_arguments_to_their_schema_where_it_can() -> None:
    refused = refuses(400, error("Invalid grammar specification: 'triggers'"))
    script = [calls(("add", "{}")), says("1"), refused, says("2")]
    vllm = ServedModel(MODEL, 4096, is_of_vllm=True)
    with ScriptedServer(script) as server:
        async with talk(server, toolbox=Tools(add=echo), model=vllm) as conversation:
            await all_of(conversation.send("Add"))
            [last] = of_type(await all_of(conversation.send("Add")), Answered)

    sent = [body["tools"][0]["function"].get("strict") for body in server.asked]
    assert sent == [True, True, True, None]
    assert last.finish_reason == "stop"


async def test_what_vllm_serves_says_so() -> None:
    cards = [model("ours", owned_by="vllm"), model("theirs", owned_by="openai"), model("nobodys")]
    assert [each.is_of_vllm for each in models_in({"data": cards})] == [True, False, False]
