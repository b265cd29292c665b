from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console, RenderableType

from mixvllm.chat.events import Answered, Failed, RoundsSpent, ServerLoading, TurnsDropped
from mixvllm.chat.mcp_state import ServerState, Standing
from mixvllm.chat.tools import Tool, ToolCall, ToolResult
from mixvllm.render import chat, chat_servers
from mixvllm.render.untrusted import harmless

ANSWERED = Answered("stop", 1000, 101, 4096, first_token_s=0.5, elapsed_s=2.5)
UNKNOWN = Answered(None, None, None, None, first_token_s=None, elapsed_s=2.5)
CALL = ToolCall("id", "look", '{"where":  "here"}')


def drawn(renderable: RenderableType, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None, highlight=False)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().split("\n")).strip("\n")


def test_the_figures_are_tokens_speed_and_context() -> None:
    line = drawn(chat.figures_line(ANSWERED))
    assert line == "101 tokens · first after 0.50 s · 50.0 tokens/s · 27% of the context"


def test_what_is_not_known_is_left_out() -> None:
    assert drawn(chat.figures_line(UNKNOWN)) == "2.5 s"
    one = replace(ANSWERED, completion_tokens=1)
    assert chat.tokens_per_second(one) is None


def test_a_small_share_of_the_context_is_not_none() -> None:
    small = replace(ANSWERED, prompt_tokens=10, completion_tokens=2)
    assert "0.3% of the context" in drawn(chat.figures_line(small))


def test_a_result_is_folded_with_what_is_left_out() -> None:
    result = ToolResult("\n".join(map(str, range(9))), omitted_characters=1234)
    assert drawn(chat.result_lines(CALL, result, 0.25)).split("\n") == [
        *(f"  {number}" for number in range(5)),
        "  ... 4 more lines · look · 0.2 s · 1,234 characters cut off",
    ]


def test_arguments_stand_on_one_line_whole_or_half_written() -> None:
    assert drawn(chat.call_line("look", CALL.arguments)) == '→ look {"where": "here"}'
    assert drawn(chat.call_line("look", '{"whe')) == '→ look {"whe'
    assert drawn(chat.call_line("look", "")) == "→ look"


def test_nothing_that_others_wrote_is_markup_or_a_sequence() -> None:
    hostile = "[red]\x1b[31m\x9b\u202e"
    result = ToolResult(hostile)
    call = ToolCall("id", hostile, hostile)
    failed = Failed("engine", hostile, hostile)
    state = ServerState(hostile, "stdio", Standing.FAILED, error=hostile)
    tool = Tool(hostile, hostile, hostile, {})
    for each in (
        chat.result_lines(call, result, 1),
        chat.call_line(hostile, hostile),
        chat.approval_question(call),
        chat.failure_lines(failed),
        chat.loading_line(ServerLoading(hostile, 1, hostile)),
        chat.reasoning(harmless(hostile)),
        chat_servers.server_failure(state),
        chat_servers.server_table([state]),
        chat_servers.tool_table([tool], set()),
    ):
        shown = each if isinstance(each, str) else drawn(each, width=300)
        assert "[red]␛[31m" in shown
        assert not {"\x1b", "\x9b", "\u202e"} & set(shown)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (TurnsDropped(1), "the oldest turn was left out"),
        (TurnsDropped(3), "the oldest 3 turns were left out"),
        (RoundsSpent(8), "stopped after 8 rounds of tool calls; --max-rounds"),
        (RoundsSpent(0), "there is none; --mcp-config"),
    ],
)
def test_what_was_done_unasked_is_told(event: TurnsDropped | RoundsSpent, words: str) -> None:
    assert words in chat.note(event)


def test_a_phase_of_ours_is_told_in_words_and_others_as_they_are() -> None:
    assert "loading the engine, 3 s" in drawn(chat.loading_line(ServerLoading("loading", 3)))
    other = ServerLoading("thawing", 3, "half way")
    assert "thawing, 3 s (half way)" in drawn(chat.loading_line(other))


def test_lines_and_tabs_stay_in_harmless_text() -> None:
    assert harmless("a\r\n\tb\x00\x7f\ud800") == "a\n\tb␀␡\ufffd"


def test_below_the_servers_stands_why_some_cannot_be_used() -> None:
    states = [
        ServerState("time", "stdio", Standing.CONNECTED, tools=2, connect_s=1.5),
        ServerState("search", "http", Standing.FAILED, error="answered 401 Unauthorized"),
    ]

    *_, last = drawn(chat_servers.server_table(states)).strip().splitlines()

    assert last == "warning: the MCP server search answered 401 Unauthorized"
