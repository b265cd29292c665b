"""An MCP server that is started here: its process, its stderr, and that nothing of it is left."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from pathlib import Path

from mixvllm.chat import mcp_guard
from mixvllm.chat.mcp_errors import ServerFailure
from mixvllm.chat.mcp_log import ServerLog
from mixvllm.settings.mcp_servers import McpServer

# One of ours is run by this interpreter, whether or not its scripts are in PATH.
SHIPPED_COMMAND = "mixvllm-mcp"
SHIPPED_MODULE = "mixvllm.chat.shipped"
# What a program needs to run at all, and to reach the network; nothing else is passed on.
PASSED_ON = (
    *("HOME", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER"),
    *("LANG", "LC_ALL", "LC_CTYPE", "SSL_CERT_DIR", "SSL_CERT_FILE", "XDG_RUNTIME_DIR"),
    *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"),
    *("http_proxy", "https_proxy", "no_proxy", "all_proxy"),
)
CHUNK_BYTES = 64 * 1024
MOST_MESSAGE_BYTES = 32 * 1024 * 1024
# How long its last words may take after it has ended.
LAST_WORDS_S = 0.3


class Guard:
    """The process that ends servers when this one cannot any more; started with the first."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def watch(self, group: int) -> None:
        """Have it end this process group when this process is gone."""
        if self._process is None:
            command = [sys.executable, "-I", "-S", mcp_guard.__file__]
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                text=True,
                start_new_session=True,
            )
        self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        """The group has ended; its number may be given to others."""
        self._tell(f"-{group}\n")

    def close(self) -> None:
        """End it; what it still watches, it ends before."""
        if self._process is not None:
            with suppress(OSError, subprocess.TimeoutExpired):
                self._process.communicate(timeout=5)
            self._process = None

    def _tell(self, line: str) -> None:
        # If it was killed, servers are still ended by this process.
        with suppress(OSError):
            if self._process and self._process.stdin:
                self._process.stdin.write(line)
                self._process.stdin.flush()


class _Pipes(asyncio.subprocess.SubprocessStreamProtocol):
    """Streams that end with the process, whoever else has inherited them."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit=CHUNK_BYTES, loop=loop)
        self._own_loop = loop
        self.exited = asyncio.Event()

    def process_exited(self) -> None:
        """Close the pipes soon, for what it wrote last is still in them."""
        super().process_exited()
        self.exited.set()
        self._own_loop.call_later(LAST_WORDS_S, self.close)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        super().connection_made(transport)
        self._own_transport = transport

    def close(self) -> None:
        """Close the process's stdout and stderr from this side."""
        with suppress(PermissionError):  # a process of another user cannot be killed by it
            self._own_transport.close()


class ServerProcess:
    """A running server: lines in, lines out, and its stderr in a file."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        pipes: _Pipes,
        log: ServerLog,
        guard: Guard,
    ) -> None:
        self._process = process
        self._pipes = pipes
        self._log = log
        self._guard = guard
        self._stderr = asyncio.create_task(self._keep_stderr())
        # Text on stdout that is no message, which is the most frequent mistake of a server.
        self.stray_text: str | None = None
        guard.watch(process.pid)

    async def lines(self) -> AsyncIterator[bytes]:
        """What it writes to stdout, line by line, until it closes it.

        Raises:
            ServerFailure: a line has no end.
        """
        reader = self._process.stdout
        pending: list[bytes] = []
        size = 0
        while reader and (chunk := await reader.read(CHUNK_BYTES)):
            *ends, rest = chunk.split(b"\n")
            for end in ends:
                yield b"".join((*pending, end))
                pending.clear()
                size = 0
            pending.append(rest)
            size += len(rest)
            if size > MOST_MESSAGE_BYTES:
                limit = MOST_MESSAGE_BYTES // 1024**2
                raise ServerFailure(f"sent a message of more than {limit} MiB")

    def note_stray(self, line: bytes) -> None:
        """Remember the first line that is no message."""
        if self.stray_text is None and line.strip():
            self.stray_text = line.decode(errors="replace").strip()

    def write(self, line: bytes) -> None:
        """Write a line to its stdin without waiting; what a dead one does not read is lost."""
        if self._process.stdin and not self._process.stdin.is_closing():
            self._process.stdin.write(line + b"\n")

    async def how_it_ended(self) -> str | None:
        """How it ended, in words; None while it runs."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._pipes.exited.wait(), LAST_WORDS_S)
        code = self._process.returncode
        if code is None:
            return None
        await asyncio.wait({self._stderr}, timeout=LAST_WORDS_S)
        if code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return f"ended with status {code}"

    @property
    def last_line(self) -> str | None:
        """The last line of its stderr."""
        return self._log.last_line

    async def end(self) -> None:
        """End it and everything that it started, within two seconds."""
        group = self._process.pid
        if self._process.stdin:
            self._process.stdin.close()
        await self._until(lambda: not mcp_guard.is_running(group), mcp_guard.POLITE_S)
        for number, seconds in (
            (signal.SIGTERM, mcp_guard.TERMINATED_S),
            (signal.SIGKILL, LAST_WORDS_S),
        ):
            if mcp_guard.is_running(group):
                mcp_guard.send(group, number)
                await self._until(lambda: not mcp_guard.is_running(group), seconds)
        self._guard.forget(group)
        await asyncio.wait({self._stderr}, timeout=LAST_WORDS_S)
        self._stderr.cancel()
        self._pipes.close()

    async def _keep_stderr(self) -> None:
        reader = self._process.stderr
        while reader and (chunk := await reader.read(CHUNK_BYTES)):
            self._log.write(chunk)

    async def _until(self, condition: Callable[[], bool], seconds: float) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not condition() and loop.time() < deadline:
            await asyncio.sleep(mcp_guard.POLL_S)


async def start_process(server: McpServer, log: ServerLog, guard: Guard) -> ServerProcess:
    """Start a server's program in a process group of its own.

    Raises:
        ServerFailure: it cannot be started; the line says why.
    """
    loop = asyncio.get_running_loop()
    try:
        transport, pipes = await loop.subprocess_exec(
            lambda: _Pipes(loop),
            *command_of(server),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment_of(server, os.environ),
            cwd=server.cwd,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise ServerFailure(_not_started(server, error)) from error
    process = asyncio.subprocess.Process(transport, pipes, loop)
    return ServerProcess(process, pipes, log, guard)


def command_of(server: McpServer) -> list[str]:
    """The command line of a server; one of ours runs in this interpreter's environment."""
    command = server.command or ""
    if command == SHIPPED_COMMAND:
        return [sys.executable, "-m", SHIPPED_MODULE, *server.args]
    if "/" in command or shutil.which(command, path=_search_path(server)):
        return [command, *server.args]
    beside = Path(sys.executable).with_name(command)
    return [str(beside) if beside.is_file() else command, *server.args]


def environment_of(server: McpServer, ours: Mapping[str, str]) -> dict[str, str]:
    """The variables of a server: a few of this process, all of them for one that we ship."""
    names = ours if server.command == SHIPPED_COMMAND else PASSED_ON
    return {name: ours[name] for name in names if name in ours} | server.env


def _search_path(server: McpServer) -> str | None:
    return server.env.get("PATH", os.environ.get("PATH"))


def _not_started(server: McpServer, error: OSError | ValueError) -> str:
    if server.cwd and not Path(server.cwd).is_dir():
        return f"could not be started: there is no directory {server.cwd}"
    if isinstance(error, FileNotFoundError):
        where = "" if "/" in (server.command or "") else " in PATH"
        return f"could not be started: there is no program {server.command}{where}"
    if isinstance(error, PermissionError):
        return f"could not be started: {server.command} may not be executed"
    return f"could not be started: {getattr(error, 'strerror', None) or error}"
