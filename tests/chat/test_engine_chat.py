"""`mixvllm chat` with the real engine: one server for the whole file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from mixvllm.chat.session_store import SessionStore
from tests.cli.screen import CTRL_D, screen
from tests.server.metrics.exposition import Metrics
from tests.server.processes import ServerProcess, pause, server_process

pytestmark = pytest.mark.engine

KEY = "a-long-random-text"
QUESTION = "What is the capital of France?"
ANSWER = "The capital of France is Paris."
MCP_FILE = Path(__file__).parents[2] / "configs" / "mcp_servers.yaml"
LONG = 3000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> Iterator[ServerProcess]:
    directory = tmp_path_factory.mktemp("server")
    environment = {
        "MIXVLLM_SERVER__API_KEY": KEY,
        "XDG_CACHE_HOME": str(shared_cache),
        "XDG_STATE_HOME": str(directory / "state"),
        "XDG_RUNTIME_DIR": str(directory / "run"),
        # The tests put the port last, where it would be vLLM's own behind a `--`.
        "MIXVLLM_VLLM__ENABLE_AUTO_TOOL_CHOICE": "true",
        "MIXVLLM_VLLM__TOOL_CALL_PARSER": "hermes",
    }
    command = ["-m", "mixvllm", "serve", "demo", "--host", "127.0.0.1"]
    command += ["--cpu-kv-cache-gib", "0.5"]
    with server_process(command, directory, environment) as process:
        process.wait_for_phase("ready", within_s=300)
        yield process


@pytest.fixture
def environment(server: ServerProcess) -> Mapping[str, str]:
    return {**os.environ, "MIXVLLM_SERVER__API_KEY": KEY}


def words(server: ServerProcess, *more: str) -> list[str]:
    return ["chat", "--url", server.url, "--temperature", "0", *more]


def metrics(server: ServerProcess) -> Metrics:
    answer = httpx.get(f"{server.url}/metrics", headers={"x-api-key": KEY})
    return Metrics(answer.text)


def of_the_engine(server: ServerProcess, name: str) -> float:
    value = metrics(server).value(f"vllm:{name}", engine="0", model_name="demo")
    assert value is not None
    return value


def test_a_question_in_a_pipe_is_answered(
    server: ServerProcess, environment: Mapping[str, str]
) -> None:
    command = [sys.executable, "-m", "mixvllm", *words(server)]
    ran = subprocess.run(
        command, input=QUESTION, env=environment, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, f"{ANSWER}\n")
    assert "8 tokens" in ran.stderr


def test_a_conversation_goes_on_in_a_terminal(
    server: ServerProcess, environment: Mapping[str, str]
) -> None:
    with screen(words(server, "--session", "paris"), environment, columns=80) as shown:
        shown.say(QUESTION)
        shown.see(f"> {QUESTION}\n{ANSWER}\n8 tokens")
        shown.say("Say that again.")
        shown.see("tokens/s", times=2)
        shown.say("/tokens")
        shown.see("context")
        shown.is_asked()
        shown.type(CTRL_D)
        assert shown.wait() == 0
    assert max(map(len, shown.lines)) <= 80
    history = SessionStore().load("paris").history
    assert [len(turn.messages) for turn in history.turns] == [2, 2]


def test_ctrl_c_ends_the_request_in_the_engine(
    server: ServerProcess, environment: Mapping[str, str]
) -> None:
    before = of_the_engine(server, "generation_tokens_total")
    with screen(words(server, "--max-tokens", str(LONG)), environment) as shown:
        shown.say("Tell me a very long story about a fox.")
        shown.see("fox", times=2)
        assert of_the_engine(server, "num_requests_running") == 1
        shown.press_ctrl_c()
        shown.see("stopped; what came is kept")
        while of_the_engine(server, "num_requests_running"):
            pause()
        written = of_the_engine(server, "generation_tokens_total") - before
        shown.say("/exit")
        assert shown.wait() == 0
    assert 0 < written < LONG
    assert of_the_engine(server, "generation_tokens_total") == before + written


def test_a_forced_call_runs_and_its_result_goes_back(
    server: ServerProcess, environment: Mapping[str, str]
) -> None:
    asked = words(server, "--mcp-config", str(MCP_FILE), "--yes", "--tool-choice", "calculate")
    asked += ["--json", "--max-tokens", "60", "--session", "sum", "What is 17 times 3?"]
    command = [sys.executable, "-m", "mixvllm", *asked]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr
    found: Mapping[str, Any] = json.loads(ran.stdout)
    [call] = found["tool_calls"]
    assert call["name"] == "calculate"
    assert not call["is_error"]
    # The model is tiny: what it has computed is its own affair, and that it gets the value is ours.
    assert json.loads(call["arguments"])["expression"]
    assert found["answer"]
    [turn] = SessionStore().load("sum").history.turns
    assert [message["role"] for message in turn.messages] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ]
    assert turn.messages[2]["content"] == call["result"]
