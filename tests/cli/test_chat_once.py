from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chat.scripted_server import (
    DONE,
    Answer,
    Cut,
    Hold,
    ScriptedServer,
    calls,
    document,
    error,
    event,
    model,
    models,
    refuses,
    says,
    streams,
)
from tests.cli.command import Command, Ran

TINY_SERVER = Path(__file__).parent / "tiny_mcp_server.py"
CAPITAL = says("The capital of ", "France is Paris.", tokens=(12, 8))
ECHO = calls(("echo", '{"text": "hello"}'))


@pytest.fixture
def mcp_file(tmp_path: Path) -> Path:
    file = tmp_path / "servers.json"
    tiny = {"command": sys.executable, "args": [str(TINY_SERVER)]}
    file.write_text(json.dumps({"mcpServers": {"tiny": tiny}}))
    return file


def begin(
    server: ScriptedServer, *words: str, stdin: int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "mixvllm", "chat", "--url", server.url, *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=stdin, stdout=pipe, stderr=pipe)


def piped(server: ScriptedServer, *words: str, stdin: bytes) -> Ran:
    with begin(server, *words, stdin=subprocess.PIPE) as process:
        out, err = process.communicate(stdin)
    return Ran(process.returncode, out.decode(), err.decode())


def asked(server: ScriptedServer) -> str:
    content: str = server.asked[0]["messages"][-1]["content"]
    return content


def test_the_answer_alone_is_on_stdout(mixvllm: Command) -> None:
    with ScriptedServer([CAPITAL]) as server:
        ran = mixvllm("chat", "--url", server.url, "Which", "capital?")

    assert (ran.code, ran.out) == (0, "The capital of France is Paris.\n")
    assert "8 tokens" in ran.err
    assert "0.5% of the context" in ran.err
    assert asked(server) == "Which capital?"


@pytest.mark.parametrize(
    ("words", "stdin", "question"),
    [
        ([], b"Which capital?\n", "Which capital?"),
        (["-"], b"Which capital?\n", "Which capital?"),
        (["Summarise:"], b"line 1\nline 2\n", "Summarise:\n\nline 1\nline 2"),
        (["Summarise:", "-"], b"line 1\n", "Summarise:\n\nline 1"),
        (["Summarise:"], b"", "Summarise:"),
    ],
)
def test_the_question_may_come_on_stdin(words: list[str], stdin: bytes, question: str) -> None:
    with ScriptedServer([CAPITAL]) as server:
        ran = piped(server, *words, stdin=stdin)

    assert (ran.code, ran.out) == (0, "The capital of France is Paris.\n")
    assert asked(server) == question


@pytest.mark.parametrize(
    ("words", "stdin", "message"),
    [
        ([], b"", "nothing came on stdin"),
        ([""], b"", "nothing came on stdin"),
        (["-"], b"\n\n", "nothing came on stdin"),
        ([], b"caf\xe9", "not UTF-8 text: byte 0xe9 at offset 3"),
    ],
)
def test_a_question_that_is_none_is_wrong_usage(
    words: list[str], stdin: bytes, message: str
) -> None:
    with ScriptedServer([CAPITAL]) as server:
        ran = piped(server, *words, stdin=stdin)

    assert ran.code == 2
    assert message in ran.err
    assert server.requests == []


def test_without_a_question_and_a_terminal_there_is_nothing_to_do(mixvllm: Command) -> None:
    assert mixvllm("chat", "").code == 2
    ran = mixvllm("chat")
    assert ran.code == 2
    assert "no terminal to ask for one" in ran.err


def test_no_server_is_told_in_one_line_before_anything_heavy_is_loaded() -> None:
    code = (
        "import sys; from mixvllm.cli.app import run; code = run(sys.argv[1:]);"
        "print('openai' in sys.modules, 'mcp' in sys.modules); sys.exit(code)"
    )
    words = ["chat", "--url", "http://127.0.0.1:9", "Hello"]
    ran = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (1, "False False\n")
    message, hint, _ = ran.stderr.splitlines()
    assert message == "error: No server answers at http://127.0.0.1:9/v1: Connection refused."
    assert "mixvllm serve" in hint


def test_a_failure_before_the_answer_is_json_under_json(mixvllm: Command) -> None:
    ran = mixvllm("chat", "--json", "--url", "http://127.0.0.1:9", "Hello")
    assert ran.code == 1
    assert "No server answers" in ran.json["error"]["message"]


def test_json_has_answer_reasoning_calls_and_figures(mixvllm: Command, mcp_file: Path) -> None:
    thinks = streams(document({"reasoning": "Let me see."}), document({"content": "Done."}))
    announced = calls(("echo", '{"text": "hello"}'), text="I will ask.")
    with ScriptedServer([announced, thinks]) as server:
        ran = mixvllm("chat", "--json", "--yes", "--url", server.url, "Echo",
                      "--mcp-config", str(mcp_file))  # fmt: skip

    assert ran.code == 0
    found = ran.json
    assert found["model"] == "small"
    assert found["answer"] == "Done."
    assert found["reasoning"] == "Let me see."
    [call] = found["tool_calls"]
    assert (call["name"], call["result"], call["is_error"]) == ("echo", "hello", False)
    assert found["usage"]["context_length"] == 4096
    assert "error" not in found


def test_json_of_an_answer_that_broke_off_has_both(mixvllm: Command) -> None:
    broken = Answer([event(document({"content": "Once upon"})), Cut()])
    with ScriptedServer([broken]) as server:
        ran = mixvllm("chat", "--json", "--url", server.url, "A story")

    assert ran.code == 1
    assert ran.json["answer"] == "Once upon"
    assert "broke" in ran.json["error"]["message"]


@pytest.mark.parametrize(
    ("end", "message"),
    [
        ([Cut()], "The connection broke"),
        ([event(error("The engine died", "engine_error", 500)), DONE], "The engine died"),
    ],
)
def test_what_came_of_a_broken_answer_is_kept_and_told(
    mixvllm: Command, end: list[Any], message: str
) -> None:
    broken = Answer([event(document({"content": "Once upon"})), *end])
    with ScriptedServer([broken]) as server:
        ran = mixvllm("chat", "--url", server.url, "A story")

    assert (ran.code, ran.out) == (1, "Once upon\n")
    assert message in ran.err
    assert "Traceback" not in ran.err


def test_an_answer_ended_by_its_limit_is_one_and_is_told(mixvllm: Command) -> None:
    with ScriptedServer([says("Once upon", finish="length")]) as server:
        ran = mixvllm("chat", "--url", server.url, "A story", "--max-tokens", "2")

    assert ran.code == 0
    assert "ended by its limit of tokens" in ran.err
    assert server.asked[0]["max_tokens"] == 2


def test_only_what_flags_say_of_sampling_is_sent(mixvllm: Command, tmp_path: Path) -> None:
    (tmp_path / "mixvllm.yaml").write_text("generation: {temperature: 0.5, top_p: 0.9}\n")
    with ScriptedServer([CAPITAL]) as server:
        mixvllm("chat", "--url", server.url, "Hi", "--temperature", "0", "--seed", "7",
                "--stop", "\n", "--system", "Be brief.")  # fmt: skip

    [body] = server.asked
    assert (body["temperature"], body["seed"], body["stop"]) == (0, 7, ["\n"])
    assert "top_p" not in body
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}


def test_a_value_out_of_range_is_wrong_usage(mixvllm: Command) -> None:
    ran = mixvllm("chat", "Hi", "--temperature", "3")
    assert ran.code == 2
    assert "--temperature: must be between 0 and 2" in ran.err


def test_the_server_and_its_key_are_those_of_the_configuration(
    mixvllm: Command, tmp_path: Path
) -> None:
    with ScriptedServer([CAPITAL], listed=[models(model("other"), model("mine"))]) as server:
        served = f"{{host: 0.0.0.0, port: {server.port}, api_key: a-long-secret}}"
        (tmp_path / "mixvllm.yaml").write_text(f"model: {{name: mine}}\nserver: {served}\n")
        ran = mixvllm("chat", "Hi")

    assert ran.code == 0
    assert {each.headers["authorization"] for each in server.requests} == {"Bearer a-long-secret"}
    assert server.asked[0]["model"] == "mine"
    assert "a-long-secret" not in ran.out + ran.err


def test_of_several_models_one_must_be_named(mixvllm: Command) -> None:
    with ScriptedServer([CAPITAL], listed=[models(model("one"), model("two"))]) as server:
        ran = mixvllm("chat", "--url", server.url, "Hi")
        named = mixvllm("chat", "--url", server.url, "Hi", "--model", "two")

    assert ran.code == 1
    assert "2 models: one, two" in ran.err
    assert "--model one" in ran.err
    assert named.code == 0


def test_a_server_that_loads_is_waited_for_and_its_phase_told(mixvllm: Command) -> None:
    loading = refuses(503, error("Loading.", "service_unavailable", 503, phase="loading"))
    with ScriptedServer([CAPITAL], listed=[loading, loading, models(model())]) as server:
        ran = mixvllm("chat", "--url", server.url, "Hi")

    assert (ran.code, ran.out) == (0, "The capital of France is Paris.\n")
    assert ran.err.count("waiting for the server: loading the engine") == 1


def test_without_a_terminal_no_tool_runs_unless_all_may(mixvllm: Command, mcp_file: Path) -> None:
    words = ["chat", "Echo", "--mcp-config", str(mcp_file)]
    with ScriptedServer([ECHO, says("Sorry.")]) as server:
        denied = mixvllm(*words, "--url", server.url)
    with ScriptedServer([ECHO, says("Done.")]) as willing:
        allowed = mixvllm(*words, "--url", willing.url, "--yes", "--tool-choice", "echo")

    assert (denied.code, denied.out) == (0, "Sorry.\n")
    assert "--yes lets them run" in denied.err
    assert "did not allow" in server.asked[1]["messages"][-1]["content"]
    assert (allowed.code, allowed.out) == (0, "Done.\n")
    assert willing.asked[1]["messages"][-1]["content"] == "hello"
    assert willing.asked[0]["tool_choice"] == {"type": "function", "function": {"name": "echo"}}


def test_rounds_without_an_end_are_a_failure(mixvllm: Command, mcp_file: Path) -> None:
    with ScriptedServer([ECHO]) as server:
        ran = mixvllm("chat", "Echo", "--mcp-config", str(mcp_file), "--yes", "--url", server.url,
                      "--max-rounds", "2")  # fmt: skip

    assert ran.code == 1
    assert "stopped after 2 rounds" in ran.err
    assert len(server.asked) == 3


def test_tools_that_the_server_does_not_read_come_with_the_setting(
    mixvllm: Command, mcp_file: Path
) -> None:
    off = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
    listed = [models(model("Qwen/Qwen3-8B"))]
    with ScriptedServer([refuses(400, error(off))], listed=listed) as server:
        ran = mixvllm("chat", "Hi", "--mcp-config", str(mcp_file), "--url", server.url)

    assert ran.code == 1
    assert "enable_auto_tool_choice: true, tool_call_parser: hermes" in ran.err


def test_mcp_wants_a_file(mixvllm: Command, tmp_path: Path) -> None:
    ran = mixvllm("chat", "Hi", "--enable-mcp")
    assert ran.code == 2
    assert "--mcp-config FILE" in ran.err


def test_a_broken_mcp_server_is_told_and_does_not_stop_the_chat(
    mixvllm: Command, tmp_path: Path
) -> None:
    (tmp_path / "mcp_servers.yaml").write_text("mcpServers: {gone: {command: no-such-program}}\n")
    with ScriptedServer([CAPITAL]) as server:
        ran = mixvllm("chat", "Hi", "--enable-mcp", "--url", server.url)

    assert (ran.code, ran.out) == (0, "The capital of France is Paris.\n")
    assert "the MCP server gone" in ran.err


def test_a_session_is_gone_on_with(mixvllm: Command) -> None:
    with ScriptedServer([says("Hello Ada."), says("Ada.")]) as server:
        mixvllm("chat", "--session", "me", "I am Ada.", "--url", server.url)
        mixvllm("chat", "--continue", "Who am I?", "--url", server.url)
        mixvllm("chat", "Who am I?", "--url", server.url)
        both = mixvllm("chat", "--continue", "--session", "me", "Hi")

    said = [message["content"] for message in server.asked[1]["messages"]]
    assert said == ["I am Ada.", "Hello Ada.", "Who am I?"]
    assert len(server.asked[2]["messages"]) == 1
    assert both.code == 2


def test_images_are_sent_along_and_other_files_refused(mixvllm: Command, tmp_path: Path) -> None:
    image, text = tmp_path / "dot.png", tmp_path / "notes.txt"
    image.write_bytes(b"\x89PNG\r\n\x1a\n rest")
    text.write_text("text")
    with ScriptedServer([CAPITAL]) as server:
        shown = mixvllm("chat", "What?", "--image", str(image), "--url", server.url)
        refused = mixvllm("chat", "What?", "--image", str(text), "--url", server.url)

    assert shown.code == 0
    parts = server.asked[0]["messages"][0]["content"]
    assert [part["type"] for part in parts] == ["image_url", "text"]
    assert refused.code == 1
    assert "notes.txt is no image" in refused.err


@pytest.fixture
def talking() -> Iterator[tuple[ScriptedServer, Hold]]:
    hold = Hold()
    endless = Answer([event(document({"content": "Once upon"})), hold])
    with ScriptedServer([endless]) as server:
        yield server, hold


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_request_too(
    talking: tuple[ScriptedServer, Hold], number: signal.Signals, code: int
) -> None:
    server, _ = talking
    with begin(server, "A story") as process:
        assert process.stdout is not None
        assert process.stdout.read(9) == b"Once upon"
        process.send_signal(number)
        _, err = process.communicate()

    assert process.returncode == code
    assert b"Traceback" not in err
    assert server.left.wait(10)


def test_a_reader_that_goes_ends_the_request_too() -> None:
    hold = Hold()
    pieces = [event(document({"content": "line\n" * 50})) for _ in range(3)]
    with ScriptedServer([Answer([pieces[0], hold, *pieces[1:], Hold()])]) as server:
        with begin(server, "Lines") as process:
            assert process.stdout is not None
            assert process.stdout.read(4) == b"line"
            process.stdout.close()
            hold.released.set()
            assert process.stderr is not None
            err = process.stderr.read()

        assert server.left.wait(10)
    assert process.returncode == 1
    assert b"Traceback" not in err


def test_a_package_that_is_missing_is_told_with_the_extra_that_has_it(tmp_path: Path) -> None:
    (tmp_path / "openai.py").write_text("raise ImportError\n")
    inside = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    with ScriptedServer([CAPITAL]) as server:
        command = [sys.executable, "-m", "mixvllm", "chat", "--url", server.url, "Hi"]
        ran = subprocess.run(
            command, env=os.environ | {"PYTHONPATH": inside}, capture_output=True, check=False
        )
    assert ran.returncode == 1
    assert b"pip install 'mixvllm[chat]'" in ran.stderr
    assert b"mixvllm explain chat-extra-missing" in ran.stderr


def test_closed_streams_do_not_end_it() -> None:
    with ScriptedServer([CAPITAL]) as server:
        line = f"{sys.executable} -m mixvllm chat --url {server.url} Hi <&- >&- 2>&-"
        assert subprocess.run(["sh", "-c", line], check=False).returncode == 0
    assert asked(server) == "Hi"


def test_a_pipe_gets_the_answer_as_it_is(mixvllm: Command) -> None:
    with ScriptedServer([says("\x1b[31mred", "\x1b[0m [bold]")]) as server:
        ran = mixvllm("chat", "Red", "--url", server.url)
    assert ran.out == "\x1b[31mred\x1b[0m [bold]\n"
