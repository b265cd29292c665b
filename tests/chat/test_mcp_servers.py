"""MCP servers misbehave in every way; none hangs, and each ends in one clear line."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from mixvllm.chat.mcp_servers import McpToolbox
from mixvllm.chat.mcp_state import ServerState, Standing
from mixvllm.chat.tools import ToolResult
from mixvllm.directories import state_directory
from mixvllm.settings.mcp_servers import McpServer

pytestmark = pytest.mark.anyio

StandIn = Callable[..., McpServer]
# Nothing here may take longer, whatever a server does.
DEADLINE_S = 60


class Box:
    """A toolbox with what it said of its servers."""

    def __init__(self, servers: dict[str, McpServer], **options: Any) -> None:
        self.told: list[ServerState] = []
        self.toolbox = McpToolbox(servers, on_change=self.told.append, **options)

    def state(self, name: str = "one") -> ServerState:
        return next(state for state in self.toolbox.states() if state.name == name)

    async def call(self, name: str, text: str = "hi") -> ToolResult:
        return await self.toolbox.call(name, {"text": text})


@asynccontextmanager
async def opened(servers: McpServer | dict[str, McpServer], **options: Any) -> AsyncIterator[Box]:
    box = Box(servers if isinstance(servers, dict) else {"one": servers}, **options)
    async with asyncio.timeout(DEADLINE_S):
        async with box.toolbox:
            yield box


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    return condition()


async def test_servers_that_cannot_be_started_are_told_of_in_a_line_and_stop_no_other(
    stand_in: StandIn, tmp_path: Path
) -> None:
    no_program = tmp_path / "notes.txt"
    no_program.write_text("no program", encoding="utf-8")
    servers = {
        "missing": McpServer(command="no-such-program"),
        "no path": McpServer(command="/no/such/program"),
        "no program": McpServer(command=str(no_program)),
        "lost": stand_in(cwd="/no/such/directory"),
        "exits": stand_in("exits"),
        "silent": stand_in("is silent", timeout_s=1),
        "prints": stand_in("prints", timeout_s=1),
        "refused": McpServer(url="http://user:secret@127.0.0.1:9/mcp?key=secret"),
        "babbles": stand_in("babbles"),
        "good": stand_in(),
    }
    began = time.monotonic()
    async with opened(servers) as box:
        assert time.monotonic() - began < 15
        assert [box.state(name).error for name in servers] == [
            "could not be started: there is no program no-such-program in PATH",
            "could not be started: there is no program /no/such/program",
            f"could not be started: {no_program} may not be executed",
            "could not be started: there is no directory /no/such/directory",
            "ended with status 1: RuntimeError: no key was given",
            "did not answer in 1 s (timeout_s): waiting for the moon",
            "did not answer in 1 s (timeout_s); it prints text where only MCP messages may be: "
            "Welcome to the server!",
            "cannot be reached at http://127.0.0.1:9/mcp: connection refused",
            "sent a message of more than 32 MiB",
            None,
        ]
        standings = [box.state(name).standing for name in servers]
        assert standings == [Standing.FAILED] * 9 + [Standing.CONNECTED]
        assert (await box.call("echo")).text == "echo: hi"
    assert time.monotonic() - began < 20


async def test_all_pages_of_tools_are_listed_with_their_schemas(stand_in: StandIn) -> None:
    async with opened(stand_in("greets")) as box:
        tools = box.toolbox.tools()
        assert [tool.name for tool in tools][:5] == [
            "echo",
            "environment",
            "slow",
            "die",
            "die_once",
        ]
        assert len(tools) == box.state().tools == 12
        assert tools[0].description == "The tool echo."
        assert tools[0].input_schema["required"] == ["text"]
        assert (box.state().transport, box.state().connect_s is not None) == ("stdio", True)


async def test_a_server_that_says_so_is_asked_for_its_tools_again(stand_in: StandIn) -> None:
    async with opened(stand_in()) as box:
        await box.call("learn", "sing")

        assert await until(lambda: box.state().tools == 13, 5)
        assert [tool.name for tool in box.toolbox.tools()][-1] == "sing"
        assert (await box.call("sing")).text == "sing: hi"


async def test_a_server_without_tools_is_connected_and_has_none(stand_in: StandIn) -> None:
    async with opened(stand_in("has no tools")) as box:
        assert (box.state().standing, box.state().tools) == (Standing.CONNECTED, 0)


@pytest.mark.parametrize("language", ["wants its greeting", "is modern"])
async def test_servers_of_the_older_and_the_newer_language_are_understood(
    stand_in: StandIn, language: str
) -> None:
    async with opened(stand_in(language)) as box:
        assert (box.state().error, box.state().tools) == (None, 12)


async def test_tools_of_one_name_are_told_apart_by_their_servers(stand_in: StandIn) -> None:
    async with opened({"a": stand_in(), "b c": stand_in()}) as box:
        names = [tool.name for tool in box.toolbox.tools()]
        assert (names[0], names[12]) == ("a__echo", "b_c__echo")
        assert (await box.call("b_c__echo")).text == "echo: hi"


async def test_what_a_tool_gives_comes_as_text_and_its_errors_as_errors(stand_in: StandIn) -> None:
    async with opened(stand_in(), most_characters=20_000) as box:
        assert await box.call("raise") == ToolResult("Error executing tool raise", is_error=True)
        missing = await box.toolbox.call("echo", {})
        assert missing == ToolResult("1 validation error: text: Field required", is_error=True)
        assert (await box.call("structured")).text == '{"degrees": 21}'
        assert (await box.call("parts")).text == (
            "two\n[image, image/png, 3 kB: not shown to the model]\n"
            "[resource notes at file:///notes]"
        )
        long = await box.call("long", "30000")
        assert long.omitted_characters == 10_000
        assert long.text.endswith("x\n[cut: 10,000 of 30,000 characters are left out here]")


async def test_what_the_server_refuses_or_answers_wrongly_is_an_error_of_the_call(
    stand_in: StandIn,
) -> None:
    async with opened(stand_in()) as box:
        forgotten, nonsense = await box.call("forgotten"), await box.call("nonsense")
        assert (forgotten.is_error, nonsense.is_error) == (True, True)
        assert forgotten.text == (
            "The MCP server one answered with an error: Unknown tool: forgotten."
        )
        assert nonsense.text == "The MCP server one answered with what is no result of a tool."
        assert (await box.call("echo")).text == "echo: hi"


async def test_a_tool_that_nobody_has_is_an_error_that_names_those_that_are(
    stand_in: StandIn,
) -> None:
    async with opened(stand_in()) as box:
        result = await box.call("teleport")
        assert result.is_error
        assert result.text.startswith("There is no tool teleport. The tools are: echo, ")


async def test_a_tool_that_takes_too_long_is_given_up(stand_in: StandIn) -> None:
    async with opened(stand_in(call_timeout_s=0.3)) as box:
        began = time.monotonic()
        result = await box.call("slow")
        assert time.monotonic() - began < 3
        assert result.text == (
            "The MCP server one did not answer the call in 0.3 s (call_timeout_s)."
        )


async def test_a_cancelled_call_ends_at_once(stand_in: StandIn) -> None:
    async with opened(stand_in()) as box:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(box.call("slow"), 0.2)
        assert time.monotonic() - began < 2


async def test_a_cancelled_start_ends_at_once_and_leaves_no_process(
    stand_in: StandIn, tmp_path: Path
) -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5), opened(stand_in("is silent")):
            pytest.fail("it never answers")
    assert time.monotonic() - began < 6
    assert not [p for p in psutil.Process().children(recursive=True) if is_running(p.pid)]


async def test_a_server_that_dies_in_a_call_is_connected_again_by_the_next(
    stand_in: StandIn,
) -> None:
    async with opened(stand_in()) as box:
        died = await box.call("die")
        assert died == ToolResult(
            "The MCP server one died during the call; the next call connects again. "
            "It ended with status 3: fatal: out of luck.",
            is_error=True,
        )
        assert (await box.call("echo")).text == "echo: hi"
        assert [state.standing for state in box.told] == [
            Standing.CONNECTED,
            Standing.DEAD,
            Standing.STARTING,
            Standing.CONNECTED,
        ]
        assert (box.state().reconnects, box.state().error) == (1, None)


async def test_a_server_that_dies_again_without_an_answer_stays_dead(stand_in: StandIn) -> None:
    async with opened(stand_in()) as box:
        for _ in range(2):
            await box.call("die")
        assert (await box.call("echo")).text == (
            "The MCP server one died again after it was connected again. "
            "It ended with status 3: fatal: out of luck."
        )
        assert box.state().reconnects == 1


async def test_a_call_that_does_no_harm_twice_is_made_again(
    stand_in: StandIn, tmp_path: Path
) -> None:
    async with opened(stand_in("none", tmp_path / "died")) as box:
        assert await box.call("die_once") == ToolResult("die once: hi")


async def test_a_call_that_is_cancelled_while_its_server_starts_again_leaves_it_to_the_next(
    stand_in: StandIn, tmp_path: Path
) -> None:
    starts = tmp_path / "starts"
    async with opened(stand_in("is silent the second time", starts)) as box:
        await box.call("die")
        call = asyncio.create_task(box.call("echo"))
        assert await until(lambda: starts.stat().st_size == 2, 10)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert box.state().error == "was not waited for when it was started"
        assert (await box.call("echo")).text == "echo: hi"


async def test_a_server_that_dies_between_calls_is_told_of_and_connected_again(
    stand_in: StandIn, tmp_path: Path
) -> None:
    async with opened(stand_in("does not end", tmp_path / "pids")) as box:
        pid = int((tmp_path / "pids").read_text(encoding="utf-8").split()[0])
        os.kill(pid, 9)
        assert await until(lambda: box.state().standing is Standing.DEAD, 5)
        assert box.state().error == "was ended by SIGKILL"
        assert len(box.toolbox.tools()) == 12
        results = await asyncio.gather(*(box.call("echo", text) for text in "ab"))
        assert [result.text for result in results] == ["echo: a", "echo: b"]
        assert box.state().reconnects == 1


async def test_a_server_that_does_not_end_is_killed_with_what_it_started(
    stand_in: StandIn, tmp_path: Path
) -> None:
    async with opened(stand_in("does not end", tmp_path / "pids")):
        pids = [int(pid) for pid in (tmp_path / "pids").read_text(encoding="utf-8").split()]
        assert all(is_running(pid) for pid in pids)
        began = time.monotonic()
    assert time.monotonic() - began < 3
    assert not any(is_running(pid) for pid in pids)


CHAT = """
import asyncio, sys
from mixvllm.chat.mcp_servers import McpToolbox
from mixvllm.settings.mcp_servers import McpServer

async def chat():
    servers = {
        name: McpServer(command=sys.executable, args=[sys.argv[1], "does not end", name])
        for name in sys.argv[2:]
    }
    async with McpToolbox(servers):
        print("ready", flush=True)
        await asyncio.sleep(60)

asyncio.run(chat())
"""


async def test_nothing_is_left_of_a_chat_that_is_killed(stand_in: StandIn, tmp_path: Path) -> None:
    files = [tmp_path / "a", tmp_path / "b"]
    script = stand_in().args[0]
    chat = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHAT, script, *map(str, files), stdout=asyncio.subprocess.PIPE
    )
    assert chat.stdout is not None
    async with asyncio.timeout(DEADLINE_S):
        assert await chat.stdout.readline() == b"ready\n"
    started = [int(pid) for file in files for pid in file.read_text(encoding="utf-8").split()]
    family = [process.pid for process in psutil.Process(chat.pid).children(recursive=True)]
    assert set(started) < set(family)  # the guard is there, too
    chat.kill()
    await chat.wait()
    assert await until(lambda: not any(is_running(pid) for pid in family), 3)


async def test_stderr_is_kept_in_a_private_file_of_a_bounded_size(stand_in: StandIn) -> None:
    async with opened({"loud/one": stand_in("floods"), "good": stand_in("exits")}) as box:
        path = box.state("loud/one").log
        assert path == state_directory() / "mcp" / "loud_one.log"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        await until(lambda: "line 199999" in path.read_text(encoding="utf-8"), 10)
        kept = path.read_text(encoding="utf-8")
        assert kept.startswith("(what stood here was dropped")
        assert 1000 < len(kept) < 1_100_000
        said = box.state("good").log
        assert said is not None
        assert "RuntimeError: no key" in said.read_text(encoding="utf-8")


async def test_two_chats_at_once_keep_the_stderr_of_their_servers_apart(stand_in: StandIn) -> None:
    async with opened(stand_in()) as first, opened(stand_in()) as second:
        paths = [first.state().log, second.state().log]
        assert [path.name for path in paths if path] == ["one.log", "one-2.log"]


async def test_a_server_gets_few_variables_of_the_chat_and_all_of_its_own(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    async with opened(stand_in(env={"MODE": "quiet"})) as box:
        environment = json.loads((await box.call("environment")).text)
        assert environment["MODE"] == "quiet"
        assert environment["PATH"] == os.environ["PATH"]
        assert "OPENAI_API_KEY" not in environment


async def test_no_secret_of_a_server_is_in_what_is_said_of_it(tmp_path: Path) -> None:
    script = tmp_path / "tells.py"
    script.write_text(
        textwrap.dedent("""
        import os, sys
        sys.exit("cannot log in with " + os.environ["API_KEY"])
        """),
        encoding="utf-8",
    )
    secret = {"API_KEY": "open-sesame"}
    server = McpServer(command=sys.executable, args=[str(script)], env=secret)
    async with opened(server) as box:
        assert box.state().error == "ended with status 1: cannot log in with ***"
    assert "open-sesame" not in repr(server)


async def test_a_chat_without_servers_has_no_tools_and_loads_nothing() -> None:
    async with opened({}) as box:
        assert box.toolbox.tools() == []
