"""HTTP connections that end when their client holds them without getting on.

uvicorn waits for ever for the rest of a request's head, and for a client to read its answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from uvicorn.protocols.http.auto import AutoHTTPProtocol

LARGEST_HEAD_BYTES = 64 * 1024
TIMEOUT = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n"
    b"connection: close\r\n\r\n"
)


def patient_protocol(patience_s: Callable[[], float]) -> type[asyncio.Protocol]:
    """The protocol for uvicorn's `http` argument.

    Args:
        patience_s: Seconds that a client may take for a request's head, or to read a part of the
            answer; 0 is for ever.
    """
    patience = property(lambda protocol: patience_s())
    return type("Protocol", (PatientProtocol,), {"patience_s": patience})


class PatientProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """uvicorn's own protocol with two clocks: for reading a head, and for writing."""

    patience_s: float
    _head_bytes = 0
    _clock: asyncio.TimerHandle | None = None
    _reading_clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Wait for the head of the first request."""
        super().connection_made(transport)
        self._start_clock()

    def data_received(self, data: bytes) -> None:
        """Take a part of a request."""
        begins = self._waits_for_head()
        super().data_received(data)
        # A connection that became a WebSocket is no longer among uvicorn's.
        if not self._waits_for_head() or self not in self.connections:
            self._stop_clock()
        elif begins:
            self._head_bytes += len(data)
            if self._head_bytes > LARGEST_HEAD_BYTES:
                self._leave(TOO_LARGE)
            elif self._clock is None:
                self._start_clock()

    def connection_lost(self, error: Exception | None) -> None:
        """Stop the clocks."""
        self._stop_clock()
        self.resume_writing()
        super().connection_lost(error)

    def pause_writing(self) -> None:
        """Give the client time to read: the buffer is full."""
        super().pause_writing()
        if self.patience_s and self._reading_clock is None:
            self._reading_clock = self.loop.call_later(self.patience_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        super().resume_writing()
        if self._reading_clock is not None:
            self._reading_clock.cancel()
            self._reading_clock = None

    def _waits_for_head(self) -> bool:
        return self.cycle is None or bool(self.cycle.response_complete)

    def _start_clock(self) -> None:
        if self.patience_s:
            self._clock = self.loop.call_later(self.patience_s, self._leave, TIMEOUT)

    def _stop_clock(self) -> None:
        self._head_bytes = 0
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _leave(self, answer: bytes) -> None:
        self._stop_clock()
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()
