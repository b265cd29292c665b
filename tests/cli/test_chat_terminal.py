from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from mixvllm.directories import state_directory
from tests.chat.scripted_server import (
    Answer,
    Hold,
    Piece,
    ScriptedServer,
    calls,
    document,
    event,
    model,
    models,
    says,
    streams,
)
from tests.cli.screen import ALT_ENTER, CTRL_D, CTRL_U, ENTER, TAB, UP, Screen, screen

TINY_SERVER = Path(__file__).parent / "tiny_mcp_server.py"
ECHO = calls(("echo", '{"text": "hello"}'))
BEGUN = "/help lists the commands"
HIDE_CURSOR = b"\x1b[?25l"


@contextmanager
def chat(
    server: ScriptedServer,
    *words: str,
    rows: int = 24,
    columns: int = 80,
    term: str = "xterm-256color",
    **more: str,
) -> Iterator[Screen]:
    environment: Mapping[str, str] = {**os.environ, **more}
    command = ["chat", "--url", server.url, *words]
    with screen(command, environment, rows=rows, columns=columns, term=term) as shown:
        shown.see(BEGUN)
        yield shown


def leave(shown: Screen) -> None:
    shown.is_asked()
    shown.type(CTRL_D)
    assert shown.wait() == 0
    assert shown.shows_cursor
    assert b"Traceback" not in shown.written


def answered(text: str, *, tokens: int = 2) -> Answer:
    return says(text, tokens=(10, tokens))


def test_a_conversation_goes_on_and_is_seen_in_eighty_columns() -> None:
    with (
        ScriptedServer([answered("Hello *Ada*.", tokens=3), answered("Ada.")]) as server,
        chat(server) as shown,
    ):
        shown.say("I am Ada.")
        shown.see("3 tokens")
        shown.say("Who am I?")
        shown.see("2 tokens")
        leave(shown)

    assert [line for line in shown.lines if not line.startswith(("small", "/help"))][:2] == [
        "> I am Ada.",
        "Hello Ada.",
    ]
    assert "> Who am I?\nAda.\n2 tokens" in shown.text
    said = [message["content"] for message in server.asked[1]["messages"]]
    assert said == ["I am Ada.", "Hello *Ada*.", "Who am I?"]


def test_an_answer_taller_than_the_screen_is_whole_in_the_scrollback() -> None:
    items = [f"- item {number} of a *list*\n" for number in range(40)]
    code = [f"line_{number} = {number}\n" for number in range(40)]
    text = [*items, "\n", "Then code:\n\n", "```python\n", *code, "```\n", "\n", "The end."]
    with ScriptedServer([says(*text)]) as server, chat(server, rows=12) as shown:
        shown.say("A long one")
        shown.see("2 tokens")
        leave(shown)

    begin = shown.lines.index("> A long one") + 1
    drawn = [line for line in shown.lines[begin:] if line]
    assert drawn[:40] == [f" • item {number} of a list" for number in range(40)]
    assert drawn[40:42] == ["Then code:", "```python"]
    assert drawn[42:82] == [f"line_{number} = {number}" for number in range(40)]
    assert drawn[82:84] == ["```", "The end."]


def test_the_last_block_is_drawn_while_it_is_written() -> None:
    hold = Hold()
    pieces: list[Piece] = [event(document({"content": "# Title\n\nSome **bo"})), hold]
    rest = [event(document({"content": "ld** text"})), event(document({}, "stop"))]
    with ScriptedServer([Answer([*pieces, *rest])]) as server, chat(server) as shown:
        shown.say("Go")
        shown.see("Title\n\nSome **bo")
        hold.released.set()
        shown.see("Title\n\nSome bold text")
        leave(shown)
    assert shown.text.count("Title") == 1


def test_reasoning_stands_apart_and_can_be_hidden() -> None:
    thinks = streams(document({"reasoning": "Let me see.\n"}), document({"content": "Done."}))
    with ScriptedServer([thinks]) as server:
        with chat(server) as shown:
            shown.say("Go")
            shown.see("Done.")
            leave(shown)
        with chat(server, "--hide-thinking") as hidden:
            hidden.say("Go")
            hidden.see("Done.")
            leave(hidden)

    assert "thinking\n  Let me see.\n\nDone." in shown.text
    assert "Let me see" not in hidden.text


def test_a_message_has_several_lines_by_keys_and_by_pasting() -> None:
    with ScriptedServer([answered("Yes.")]) as server, chat(server) as shown:
        shown.say(f"one{ALT_ENTER}two\nthree")
        shown.see("Yes.")
        shown.say("\x1b[200~four\r\nfive\x1b[201~")
        shown.see("Yes.", times=2)
        leave(shown)
    said = [body["messages"][-1]["content"] for body in server.asked]
    assert said == ["one\ntwo\nthree", "four\nfive"]


def test_ctrl_c_stops_the_answer_and_keeps_what_came() -> None:
    endless = Answer([event(document({"content": "Once upon a time"})), Hold()])
    with ScriptedServer([endless, answered("Fine.")]) as server, chat(server) as shown:
        shown.say("A story")
        shown.see("Once upon a time")
        shown.press_ctrl_c()
        shown.see("stopped")
        assert server.left.wait(10)
        shown.say("Go on")
        shown.see("Fine.")
        leave(shown)
    said = [message["content"] for message in server.asked[1]["messages"]]
    assert said == ["A story", "Once upon a time", "Go on"]


def test_ctrl_c_twice_leaves_in_the_middle_of_an_answer() -> None:
    endless = Answer([event(document({"content": "Once upon a time"})), Hold()])
    with ScriptedServer([endless]) as server, chat(server) as shown:
        shown.say("A story")
        shown.see("Once upon a time")
        shown.press_ctrl_c()
        shown.see("stopped")
        shown.is_asked()
        shown.press_ctrl_c()
        assert shown.wait() == 0
    assert shown.shows_cursor


def test_ctrl_c_at_the_prompt_drops_the_line_and_twice_leaves() -> None:
    with ScriptedServer([answered("Yes.")]) as server, chat(server) as shown:
        shown.is_asked()
        shown.type("half a line")
        shown.see("half a line")
        shown.press_ctrl_c()
        shown.see("Ctrl-C again")
        shown.press_ctrl_c()
        assert shown.wait() == 0
    assert server.asked == []


def tools_file(directory: Path) -> str:
    file = directory / "servers.yaml"
    file.write_text(f"mcpServers: {{tiny: {{command: {sys.executable}, args: [{TINY_SERVER}]}}}}\n")
    return str(file)


@pytest.mark.parametrize(
    ("keys", "results"),
    [
        ("yn", ["hello", "Error: The user did not allow this call."]),
        ("a", ["hello", "hello"]),
        ("\ry", ["Error: The user did not allow this call.", "hello"]),
    ],
)
def test_a_call_is_allowed_once_or_always_or_denied(
    tmp_path: Path, keys: str, results: list[str]
) -> None:
    script = [ECHO, answered("One."), ECHO, answered("Two.")]
    with (
        ScriptedServer(script) as server,
        chat(server, "--mcp-config", tools_file(tmp_path)) as shown,
    ):
        for number, message in enumerate(["One.", "Two."]):
            shown.say("Echo")
            if number < len(keys):
                shown.see("Run echo?", times=number + 1)
                shown.type(keys[number])
            shown.see(message)
        leave(shown)

    assert '→ echo {"text": "hello"}' in shown.text
    sent = [body["messages"][-1]["content"] for body in server.asked[1::2]]
    assert sent == results


def test_ctrl_c_at_the_question_stops_the_answer(tmp_path: Path) -> None:
    with (
        ScriptedServer([ECHO, answered("Fine.")]) as server,
        chat(server, "--mcp-config", tools_file(tmp_path)) as shown,
    ):
        shown.say("Echo")
        shown.see("Run echo?")
        shown.press_ctrl_c()
        shown.see("stopped")
        shown.say("Go on")
        shown.see("Fine.")
        leave(shown)
    assert "stopped this call" in server.asked[1]["messages"][2]["content"]


def test_tools_and_servers_are_listed(tmp_path: Path) -> None:
    with (
        ScriptedServer([answered("Yes.")]) as server,
        chat(server, "--mcp-config", tools_file(tmp_path)) as shown,
    ):
        shown.say("/tools")
        shown.see("Give the text back.")
        shown.say("/mcp")
        shown.see("connected")
        leave(shown)
    assert re.search(r"^echo +tiny +yes +Give the text back\.$", shown.text, re.MULTILINE)


def test_commands_complete_and_what_was_typed_is_remembered() -> None:
    with ScriptedServer([answered("Yes.")]) as server, chat(server) as shown:
        shown.is_asked()
        shown.type("/tok")
        shown.see("/tokens  Show the tokens")
        shown.type(TAB)
        shown.see("> /tokens")
        shown.type(ENTER)
        shown.see("No tokens were counted yet.")
        shown.say("Hello")
        shown.see("Yes.")
        shown.is_asked()
        shown.type(UP)
        shown.see("> Hello", times=2)
        shown.type(CTRL_U)
        leave(shown)
    history = state_directory() / "chat_history"
    assert stat.S_IMODE(history.stat().st_mode) == 0o600


def test_a_message_can_be_edited_and_asked_again() -> None:
    with ScriptedServer([answered("One."), answered("Two.")]) as server, chat(server) as shown:
        shown.say("Helo")
        shown.see("One.")
        shown.say("/edit")
        shown.see("> Helo", times=2)
        shown.say(" there")
        shown.see("Two.")
        leave(shown)
    assert [message["content"] for message in server.asked[1]["messages"]] == ["Helo there"]


def test_a_session_is_gone_on_with() -> None:
    with ScriptedServer([answered("Hello Ada."), answered("Ada.")]) as server:
        with chat(server) as first:
            first.say("I am Ada.")
            first.see("Hello Ada.")
            leave(first)
        with chat(server, "--continue") as second:
            second.see("going on after 1 message")
            second.say("Who am I?")
            second.see("Ada.")
            leave(second)
    assert len(server.asked[1]["messages"]) == 3


def test_of_several_models_the_user_chooses() -> None:
    listed = [models(model("one"), model("two"))]
    with (
        ScriptedServer([answered("Yes.")], listed=listed) as server,
        screen(["chat", "--url", server.url], os.environ) as shown,
    ):
        shown.see("Which one?")
        shown.type("2" + ENTER)
        shown.see(BEGUN)
        shown.say("Hello")
        shown.see("Yes.")
        leave(shown)
    assert server.asked[0]["model"] == "two"


def test_what_a_model_writes_cannot_command_the_terminal() -> None:
    hostile = "\x1b]0;owned\x07\x1b[2J\x9b31m[bold red]text[/] &#x202e;"
    with ScriptedServer([answered(hostile)]) as server:
        with chat(server) as shown:
            shown.say("Go")
            shown.see("2 tokens")
            leave(shown)
        with chat(server, "--plain") as plain:
            plain.say("Go")
            plain.see("2 tokens")
            leave(plain)
    for seen in (shown, plain):
        assert "␛]0;owned␇␛[2J\ufffd31m[bold red]text[/]" in seen.text
        assert b"\x1b]0;owned" not in seen.written
        assert b"\xe2\x80\xae" not in seen.written


def test_a_dumb_terminal_gets_no_sequences() -> None:
    with (
        ScriptedServer([answered("Some **bold** text")]) as server,
        chat(server, term="dumb") as shown,
    ):
        shown.is_asked()
        shown.type("Hello\n")
        shown.see("2 tokens")
        shown.is_asked()
        shown.press_ctrl_c()
        shown.see("Ctrl-C again")
        leave(shown)
    assert b"\x1b" not in shown.written
    assert "Some **bold** text" in shown.text


def test_no_color_is_honoured() -> None:
    with (
        ScriptedServer([answered("`code` and **bold**")]) as server,
        chat(server, NO_COLOR="1") as shown,
    ):
        shown.say("Hello")
        shown.see("code and bold")
        leave(shown)
    after = shown.written[shown.written.index(b"Hello") :]
    assert not re.search(rb"\x1b\[[0-9;]*3[0-7]m", after)


def test_nothing_is_cleared_but_the_lines_that_change() -> None:
    text = [f"word{number} " for number in range(200)]
    with ScriptedServer([says(*text)]) as server, chat(server) as shown:
        shown.say("Go")
        shown.see("2 tokens")
        leave(shown)
    assert b"\x1b[2J" not in shown.written
    assert shown.written.count(HIDE_CURSOR) < 10


def test_what_is_typed_during_an_answer_is_sent_after_it() -> None:
    hold = Hold()
    slow = Answer([event(document({"content": "Slow."})), hold, event(document({}, "stop"))])
    with ScriptedServer([slow, answered("Fast.")]) as server, chat(server) as shown:
        shown.say("One")
        shown.see("Slow.")
        shown.type("Two" + ENTER)
        hold.released.set()
        shown.see("Fast.")
        leave(shown)
    assert [body["messages"][-1]["content"] for body in server.asked] == ["One", "Two"]
    assert "> Two\nFast." in shown.text
