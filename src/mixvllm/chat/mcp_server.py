"""The life of one MCP server: started, asked, found dead, started once more, ended.

One task owns a connection from its opening to its closing, for the SDK's scopes must be entered
and left in the same one; whoever waits for it does so with a deadline of our own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mixvllm.chat.mcp_errors import ConnectionLost, ServerFailure, one_line
from mixvllm.chat.mcp_log import ServerLog
from mixvllm.chat.mcp_process import Guard, ServerProcess, start_process
from mixvllm.chat.mcp_state import ServerState, Standing
from mixvllm.settings.mcp_servers import McpServer

if TYPE_CHECKING:
    from mixvllm.chat.mcp_connection import Connection, OfferedTool

# A connection that is closed may say goodbye, and its process has two seconds to end.
GOODBYE_S = 1.0
END_S = 3.5
OnChange = Callable[[ServerState], None]


class ServerLife:
    """One server."""

    def __init__(
        self,
        name: str,
        server: McpServer,
        *,
        log: ServerLog | None,
        guard: Guard,
        on_change: OnChange,
    ) -> None:
        self.server = server
        self.state = ServerState(name, server.way, log=log.path if log else None)
        # What it offered last: a dead one's tools can still be called, for that starts it again.
        self.tools: tuple[OfferedTool, ...] = ()
        self._log = log
        self._guard = guard
        self._on_change = on_change
        self._process: ServerProcess | None = None
        self._connection: Connection | None = None
        self._loss: ServerFailure | None = None
        self._owner: asyncio.Task[None] | None = None
        self._leave = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._may_reconnect = True
        # Calls that nobody waits for any more; the SDK may take seconds to give one up.
        self._given_up: set[asyncio.Task[Any]] = set()

    async def start(self, sdk: asyncio.Future[ModuleType]) -> None:
        """Start it and list its tools; how that went is its state."""
        ready = asyncio.Event()
        self._sdk = sdk
        self._owner = asyncio.create_task(self._own(ready))
        try:
            await asyncio.wait({sdk})  # loading it is no fault of the server's
            if await _within(self.server.timeout_s, ready.wait()):
                return
        except asyncio.CancelledError:
            self._owner.cancel()
            self._may_reconnect = True
            self._change(Standing.DEAD, error="was not waited for when it was started")
            raise
        limit = f"{self.server.timeout_s:g} s (timeout_s)"
        self._change(Standing.FAILED, error=self._with_its_words(f"did not answer in {limit}"))
        self._owner.cancel()

    async def call(self, tool: OfferedTool, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call one of its tools; the answer is MCP's `CallToolResult` as JSON data.

        A server that is dead is started again, once, and then called. One that dies during the
        call is called again only where the call did not reach it, or does no harm twice.

        Raises:
            ServerFailure: there is no answer.
        """
        try:
            return await self._ask(await self._connected(), tool, arguments)
        except ConnectionLost as lost:
            await self._until_buried()
            found = self._loss if isinstance(self._loss, ConnectionLost) else lost
            if not (tool.is_repeatable or lost.never_ran or found.never_ran):
                raise ServerFailure(self._died_in_words()) from lost
        try:
            return await self._ask(await self._connected(), tool, arguments)
        except ConnectionLost as lost:
            await self._until_buried()
            raise ServerFailure(self._died_in_words()) from lost

    async def end(self) -> None:
        """Close the connection and end the process, within a few seconds."""
        self._leave.set()
        if self._owner is not None:
            await asyncio.wait({self._owner}, timeout=END_S)
            self._owner.cancel()
            await asyncio.wait({self._owner}, timeout=GOODBYE_S)
        if self._log is not None:
            self._log.close()

    async def _own(self, ready: asyncio.Event) -> None:
        """Open the connection, keep it until it is lost or to be left, and close it."""
        begun = asyncio.get_running_loop().time()
        self._process = None
        try:
            if self._log is not None:
                self._process = await start_process(self.server, self._log, self._guard)
            async with (await self._sdk).connect(self.server, self._process) as connection:
                self._connection, self.tools = connection, connection.tools
                took_s = asyncio.get_running_loop().time() - begun
                self._change(
                    Standing.CONNECTED, tools=len(self.tools), connect_s=took_s, error=None
                )
                ready.set()
                await self._keep(connection)
            if not self._leave.is_set():
                raise ConnectionLost("closed the connection")
        except ServerFailure as failure:
            if not self._leave.is_set():
                self._loss = failure
                error = await self._in_words(failure)
                self._change(
                    self._standing_after(failure, was_connected=ready.is_set()), error=error
                )
        finally:
            ready.set()
            self._connection = None
            if self._process is not None:
                await self._process.end()

    async def _keep(self, connection: Connection) -> None:
        """Hold it until it is lost or to be left; changed tools are asked for again."""
        over = (connection.lost, self._leave)
        while not any(event.is_set() for event in over):
            if connection.tools_changed.is_set():
                await _within(self.server.timeout_s, connection.list_again())
                self.tools = connection.tools
                self._change(Standing.CONNECTED, tools=len(self.tools))
            await _either(*over, connection.tools_changed)

    def _standing_after(self, failure: ServerFailure, *, was_connected: bool) -> Standing:
        """One that was there and cannot be reached now may be back at the next call."""
        if was_connected:
            return Standing.DEAD
        if self.state.reconnects and isinstance(failure, ConnectionLost) and failure.never_ran:
            self._may_reconnect = True
            return Standing.DEAD
        return Standing.FAILED

    async def _connected(self) -> Connection:
        """The connection; a dead server is started again for it, once."""
        async with self._one_at_a_time:
            if self._connection is not None and self._connection.lost.is_set():
                await self._until_buried()
            if self.state.standing is Standing.DEAD and self._may_reconnect:
                # It gets another chance when it has answered a call.
                self._may_reconnect = False
                await self._until_buried()
                if self._log is not None:
                    self._log.begin_again()
                count = self.state.reconnects + 1
                self._change(Standing.STARTING, reconnects=count, error=None)
                await self.start(self._sdk)
            if self._connection is None:
                raise ServerFailure(self._why_not())
            return self._connection

    def _died_in_words(self) -> str:
        again = "; the next call connects again" if self._may_reconnect else ""
        return f"died during the call{again}. It {self.state.error}"

    def _why_not(self) -> str:
        if self.state.standing is Standing.DEAD and not self._may_reconnect:
            return f"died again after it was connected again. It {self.state.error}"
        return self.state.error or "is not connected"

    async def _ask(
        self, connection: Connection, tool: OfferedTool, arguments: Mapping[str, Any]
    ) -> dict[str, Any]:
        limit = self.server.call_timeout_s
        asking = asyncio.create_task(connection.call(tool.name, arguments))
        try:
            await asyncio.wait({asking}, timeout=limit)
            if not asking.done():
                line = f"did not answer the call in {limit:g} s (call_timeout_s)"
                raise ServerFailure(line)
            answer = asking.result()
        finally:
            if not asking.done():
                asking.cancel()
                self._given_up.add(asking)
                asking.add_done_callback(self._forget)
        self._may_reconnect = True
        return answer

    def _forget(self, asking: asyncio.Task[Any]) -> None:
        self._given_up.discard(asking)
        if not asking.cancelled():
            asking.exception()  # nobody else will ask for it

    async def _until_buried(self) -> None:
        """Wait until its owner has seen the loss and cleaned up."""
        if self._owner is not None:
            await asyncio.wait({self._owner}, timeout=END_S)

    async def _in_words(self, failure: ServerFailure) -> str:
        """What happened to it: how its process ended says more than that a pipe was closed."""
        line = str(failure)
        if self._process is None:
            return line
        if isinstance(failure, ConnectionLost):
            line = await self._process.how_it_ended() or "closed its output"
        return self._with_its_words(line)

    def _with_its_words(self, line: str) -> str:
        """A line with what the server itself said, if it said anything."""
        process = self._process
        if process is not None and process.stray_text:
            stray = one_line(process.stray_text, self.server)
            return f"{line}; it prints text where only MCP messages may be: {stray}"
        last = process.last_line if process is not None else None
        return f"{line}: {one_line(last, self.server)}" if last else line

    def _change(self, standing: Standing, **changes: Any) -> None:
        self.state = replace(self.state, standing=standing, **changes)
        self._on_change(self.state)


async def _within(seconds: float, waiting: Coroutine[Any, Any, Any]) -> bool:
    """Whether something came to its end in time."""
    task = asyncio.create_task(waiting)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
        return bool(done)
    finally:
        task.cancel()


async def _either(*events: asyncio.Event) -> None:
    """Wait for the first of several events."""
    tasks = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
