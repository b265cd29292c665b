"""Ends a running server from outside, as Ctrl-C would."""

from __future__ import annotations

import psutil

from mixvllm.server.registry import RunningServer

# Streams may go on for the grace that the server was given; this is more than most give.
PATIENCE_S = 60.0


def end_server(server: RunningServer, *, patience_s: float = PATIENCE_S) -> bool:
    """Ask a server to end and wait for it; False when it still runs after `patience_s`.

    Raises:
        PermissionError: the server belongs to another user.
    """
    try:
        process = psutil.Process(server.pid)
        if not server.is_alive:
            return True
        process.terminate()
        process.wait(patience_s)
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied as error:
        raise PermissionError(server.pid) from error
    except psutil.TimeoutExpired:
        return False
    return True
