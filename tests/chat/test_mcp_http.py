"""MCP servers on a port, by streamable HTTP and SSE: told apart, refused, lost, found again."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mixvllm.chat.mcp_servers import McpToolbox
from mixvllm.chat.mcp_state import Standing
from mixvllm.settings.mcp_servers import McpServer

pytestmark = pytest.mark.anyio
STAND_IN = Path(__file__).with_name("mcp_http_stand_in.py")
DEADLINE_S = 60


class Remote:
    """A server process on a port, which can go and come back."""

    def __init__(self) -> None:
        self.port = 0
        self.start()

    def start(self) -> None:
        command = [sys.executable, str(STAND_IN), str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def at(self, path: str, **fields: object) -> McpServer:
        url = f"http://127.0.0.1:{self.port}{path}"
        return McpServer.model_validate({"url": url, **fields})


@pytest.fixture(scope="module")
def shared() -> Iterator[Remote]:
    remote = Remote()
    yield remote
    remote.stop()


async def test_both_transports_work_and_what_refuses_is_told_in_a_line(
    shared: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # it is not asked for this machine
    key = {"Authorization": "Bearer open-sesame"}
    servers = {
        "http": shared.at("/mcp"),
        "sse": shared.at("/sse", transport="sse"),
        "key": shared.at("/private", headers=key),
        "no key": shared.at("/private?token=secret"),
        "nowhere": shared.at("/nowhere"),
        "http at sse": shared.at("/sse"),
        "sse at http": shared.at("/mcp", transport="sse"),
        "hangs": shared.at("/hangs", timeout_s=1),
        "hangs too": shared.at("/hangs", transport="sse", timeout_s=1),
    }
    ask = "is the URL right, or is it a server for `transport:"
    async with asyncio.timeout(DEADLINE_S), McpToolbox(servers) as toolbox:
        assert {state.name: state.error for state in toolbox.states()} == {
            "http": None,
            "sse": None,
            "key": None,
            "no key": "answered 401 Unauthorized; set its `headers:`",
            "nowhere": f"answered 404 Not Found; {ask} sse`?",
            "http at sse": f"answered 405 Method Not Allowed; {ask} sse`?",
            "sse at http": f"answered 400 Bad Request; {ask} http`?",
            "hangs": "did not answer in 1 s (timeout_s)",
            "hangs too": "did not answer in 1 s (timeout_s)",
        }
        assert [state.transport for state in toolbox.states()][:3] == ["http", "sse", "http"]
        for name in ("http", "sse", "key"):
            assert (await toolbox.call(f"{name}__echo", {"text": "hi"})).text == "echo: hi"


@pytest.mark.parametrize("path", ["/mcp", "/sse"])
async def test_a_call_that_takes_too_long_or_is_cancelled_ends_at_once(
    shared: Remote, path: str
) -> None:
    server = shared.at(path, transport=path.strip("/").replace("mcp", "http"), call_timeout_s=0.3)
    async with asyncio.timeout(DEADLINE_S), McpToolbox({"far": server}) as toolbox:
        began = time.monotonic()
        result = await toolbox.call("slow", {})
        assert (
            result.text == "The MCP server far did not answer the call in 0.3 s (call_timeout_s)."
        )
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(toolbox.call("slow", {}), 0.1)
        assert time.monotonic() - began < 4
        assert (await toolbox.call("echo", {"text": "hi"})).text == "echo: hi"


async def test_a_server_that_goes_and_comes_back_is_connected_again() -> None:
    remote = Remote()
    try:
        async with asyncio.timeout(DEADLINE_S):
            async with McpToolbox({"far": remote.at("/mcp")}) as toolbox:
                died = await toolbox.call("die", {})
                assert died.text.startswith(
                    "The MCP server far died during the call; the next call connects again. "
                    "It broke the connection: "
                )
                remote.stop()
                gone = await toolbox.call("echo", {"text": "hi"})
                assert gone.text == (
                    f"The MCP server far cannot be reached at http://127.0.0.1:{remote.port}/mcp: "
                    "connection refused."
                )
                assert toolbox.states()[0].standing is Standing.DEAD
                remote.start()
                assert (await toolbox.call("echo", {"text": "hi"})).text == "echo: hi"
    finally:
        remote.stop()
