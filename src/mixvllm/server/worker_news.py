"""What `mixvllm serve` and its API workers tell each other: lines of JSON."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Any

from mixvllm.error_codes import ErrorCode
from mixvllm.server.interruption import Interruption
from mixvllm.server.lifecycle import Phase, Progress
from mixvllm.server.prediction import Prediction
from mixvllm.server.state import ServerState
from mixvllm.settings.schema import ServeConfig

# The metrics of a busy server are some 100 KiB.
LONGEST_MESSAGE = 1 << 22


@dataclass(frozen=True)
class ServerNews:
    """The state of the server as the workers are told it.

    Attributes:
        settings: The settings that are in force.
        phase: What it is doing.
        progress: How far that is.
        error: Why it stopped.
        code: The stable name of that.
        restarts: How often a dead engine was replaced.
        prediction: What the engine is expected to report.
        engine_pids: The processes of the engine.
        worker_pids: The API workers.
        interruption: Why requests in flight are being ended.
        death: What clients are told if the engine dies now.
    """

    settings: ServeConfig
    phase: Phase
    progress: Progress | None
    error: str | None
    code: ErrorCode | None
    restarts: int
    prediction: Prediction
    engine_pids: tuple[int, ...]
    worker_pids: tuple[int, ...]
    interruption: Interruption | None
    death: Interruption

    @classmethod
    def of(cls, server: ServerState) -> ServerNews:
        """The state of a server now."""
        lifecycle = server.lifecycle
        return cls(
            settings=server.live.current,
            phase=lifecycle.phase,
            progress=lifecycle.progress,
            error=lifecycle.error,
            code=lifecycle.code,
            restarts=server.restarts,
            prediction=server.prediction,
            engine_pids=server.engine_pids,
            worker_pids=server.worker_pids,
            interruption=server.interruption,
            death=server.death,
        )

    @classmethod
    def read(cls, data: dict[str, Any]) -> ServerNews:
        """What `as_data` wrote."""
        interruption, progress = data["interruption"], data["progress"]
        return cls(
            settings=ServeConfig.from_layers([data["settings"]]),
            phase=Phase(data["phase"]),
            progress=progress and Progress(**progress),
            error=data["error"],
            code=data["code"],
            restarts=data["restarts"],
            prediction=Prediction(**data["prediction"]),
            engine_pids=tuple(data["engine_pids"]),
            worker_pids=tuple(data["worker_pids"]),
            interruption=interruption and Interruption(**interruption),
            death=Interruption(**data["death"]),
        )

    def as_data(self) -> dict[str, Any]:
        """The news as plain data, secrets and all."""
        return {**asdict(self), "settings": self.settings.revealed()}


class Channel:
    """One end of the line between the two; used on one event loop."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, sock: socket.socket) -> Channel:
        """A channel over a connected socket."""
        return cls(*await asyncio.open_connection(sock=sock, limit=LONGEST_MESSAGE))

    def send(self, **message: Any) -> None:
        """Send a message; a receiver that has ended hears nothing."""
        if not self._writer.is_closing():
            self._writer.write(to_line(message))

    async def messages(self) -> AsyncIterator[dict[str, Any]]:
        """What comes, until the other side has ended."""
        try:
            async for line in self._reader:
                yield json.loads(line)
        except (ConnectionError, ValueError):  # it was killed, in the middle of a line
            return
        finally:
            self._writer.close()


def to_line(message: dict[str, Any]) -> bytes:
    """A message as it is sent."""
    return json.dumps(message).encode() + b"\n"


def first_message(sock: socket.socket) -> dict[str, Any]:
    """The first message on a socket that no channel has yet; blocks. Empty if nothing came."""
    with sock.makefile("rb", buffering=0) as lines:
        line = lines.readline()
    message: dict[str, Any] = json.loads(line) if line else {}
    return message
