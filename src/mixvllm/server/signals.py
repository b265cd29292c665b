"""What signals do to a running server: end it, or have it read its settings anew."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Callable

from mixvllm.server.children import leave

# Beyond the grace of the streams: engine, HTTP server, clean-up.
END_MARGIN_S = 5.0


class Signals:
    """The first signal asks for the end, the second one is the end; SIGHUP reloads."""

    def __init__(
        self, *, stop: Callable[[], None], reload: Callable[[], None], grace_s: Callable[[], float]
    ) -> None:
        """Take what to do.

        Args:
            stop: Asks the server to end.
            reload: Reads the settings anew.
            grace_s: Seconds that streams may go on after `stop`.
        """
        self._stop = stop
        self._reload = reload
        self._grace_s = grace_s
        self._was_asked = False
        self._terminal = _terminal()

    def handle(self) -> None:
        """Take signals from now on, on the running loop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._end)
        loop.add_signal_handler(signal.SIGHUP, self._hang_up)

    def _end(self) -> None:
        if self._was_asked:
            leave(0)
        self._was_asked = True
        # Whatever hangs, the process ends; a thread, because the loop may be what hangs.
        watchdog = threading.Timer(self._grace_s() + END_MARGIN_S, leave, args=(0,))
        watchdog.daemon = True
        watchdog.start()
        self._stop()

    def _hang_up(self) -> None:
        if self._terminal is not None and not _is_there(self._terminal):
            # The window was closed: nobody could end the server any more, as Ctrl-C would.
            self._end()
        else:
            self._reload()


def _terminal() -> int | None:
    """The terminal that the server was started in, if it was."""
    try:
        descriptor = sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):
        return None
    return descriptor if _is_there(descriptor) else None


def _is_there(descriptor: int) -> bool:
    import termios

    try:
        termios.tcgetattr(descriptor)
    except termios.error:
        return False
    return True
