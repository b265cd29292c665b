"""The server's address: bound before anything is loaded, and what to say when it cannot be."""

from __future__ import annotations

import errno
import ipaddress
import socket
from dataclasses import dataclass

import psutil

from mixvllm.errors import AddressError
from mixvllm.secret_names import command_in_words
from mixvllm.server.registry import running_servers

BACKLOG = 2048


@dataclass(frozen=True)
class PortHolder:
    """The process that listens on a port."""

    pid: int
    command: str


def listen(host: str, port: int) -> socket.socket:
    """Bind the address and listen: from here on clients wait instead of being refused.

    Raises:
        AddressError: the port is taken, or the address is not this machine's.
    """
    family, address = _resolve(host, port)
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise _worded(error, host, port) from error
    return sock


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def url_of(host: str, port: int) -> str:
    """Where the server answers, as seen from this machine."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def find_port_holder(port: int) -> PortHolder | None:
    """The process that listens on the port, or None when this user may not see it."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:  # macOS, without being root
        return None
    for connection in connections:
        here = connection.laddr and connection.laddr.port == port
        if here and connection.status == psutil.CONN_LISTEN and connection.pid:
            try:
                command = command_in_words(psutil.Process(connection.pid).cmdline())
            except psutil.Error:
                command = ""
            return PortHolder(connection.pid, command)
    return None


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[object, ...]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise AddressError(
            f"The host name {host!r} has no address: {_reason(error)}.",
            hint="Use an address of this machine: --host 127.0.0.1 or --host 0.0.0.0.",
        ) from error
    # `localhost` has an IPv6 address too; most clients try the older one.
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    family, _, _, _, address = found[0]
    return family, address


def _worded(error: OSError, host: str, port: int) -> AddressError:
    match error.errno:
        case errno.EADDRINUSE:
            return AddressError(
                f"Port {port} is already in use by {_describe_holder(port)}.",
                hint=f"Choose another port (--port {port + 1 if port < 65535 else port - 1}), "
                f"or end that {_way_to_end(port)}.",
                code="port-in-use",
            )
        case errno.EADDRNOTAVAIL:
            return AddressError(
                f"{host} is not an address of this machine.",
                hint="Use --host 127.0.0.1 for this machine only, or --host 0.0.0.0 for all "
                "its addresses.",
            )
        case _:
            return AddressError(f"Cannot listen on {host}:{port}: {_reason(error)}.")


def _way_to_end(port: int) -> str:
    ours = any(server.port == port for server in running_servers())
    return f"server: `mixvllm stop {port}`" if ours else "process"


def _describe_holder(port: int) -> str:
    holder = find_port_holder(port)
    if holder is None:
        return "a process that this user may not see"
    return f"process {holder.pid}" + (f" ({holder.command})" if holder.command else "")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
