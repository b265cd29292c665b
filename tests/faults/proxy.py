"""A TCP proxy that can keep answers back, stop reading them, and cut connections."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

CHUNK_BYTES = 65536


class Proxy:
    """What stands between a client and a server.

    Attributes:
        url: Where it listens.
        buffers: Set, it gives an answer only when the server has been silent for a while.
        stalls: Set, it reads nothing of an answer.
    """

    SILENCE_S = 3.0

    def __init__(self, listening: socket.socket, server_port: int) -> None:
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self.buffers, self.stalls = threading.Event(), threading.Event()
        self._listening, self._server_port = listening, server_port
        self._sockets: list[socket.socket] = []

    def serve(self) -> None:
        """Take connections until the listening socket is closed."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                self._sockets += [client, server]
                threading.Thread(target=self._pass_on, args=(client, server), daemon=True).start()

    def cut(self) -> None:
        """Cut every connection on both sides, without a word."""
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        kept = b""
        with contextlib.suppress(OSError, ValueError):
            while True:
                readable = [client] if self.stalls.is_set() else [client, server]
                ready, _, _ = select.select(readable, [], [], self.SILENCE_S if kept else None)
                if client in ready:
                    server.sendall(_received(client))
                if server in ready:
                    try:
                        kept += _received(server)
                    except ConnectionError:
                        client.sendall(kept)
                        break
                if kept and not (self.buffers.is_set() and ready):
                    client.sendall(kept)
                    kept = b""

        for each in (client, server):
            each.close()


def _received(sock: socket.socket) -> bytes:
    """What has come.

    Raises:
        ConnectionError: nothing will come any more.
    """
    data = sock.recv(CHUNK_BYTES)
    if not data:
        raise ConnectionError
    return data


@contextmanager
def proxied(server_port: int) -> Iterator[Proxy]:
    """A proxy in front of a server; its connections are cut with the block."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        proxy = Proxy(listening, server_port)
        threading.Thread(target=proxy.serve, daemon=True).start()
        try:
            yield proxy
        finally:
            proxy.cut()
