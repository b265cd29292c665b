import os
import socket

import pytest

from mixvllm.errors import AddressError
from mixvllm.server.address import find_port_holder, is_loopback, listen, url_of
from mixvllm.server.registry import RegistryEntry, RunningServer, process_start


def test_a_free_port_is_bound_and_listens_at_once() -> None:
    with listen("127.0.0.1", 0) as sock:
        host, port = sock.getsockname()
        with socket.create_connection((host, port), timeout=5):
            pass


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])
def test_a_taken_port_names_the_process_that_holds_it_and_the_ways_out(host: str) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressError) as raised:
            listen(host, port)

    assert f"Port {port} is already in use by process {os.getpid()}" in raised.value.message
    assert "pytest" in raised.value.message
    assert raised.value.hint is not None
    assert f"--port {port + 1}" in raised.value.hint
    assert "or end that process" in raised.value.hint


def test_a_port_held_by_a_server_of_ours_says_how_to_stop_it() -> None:
    with listen("127.0.0.1", 0) as taken:
        port, pid = taken.getsockname()[1], os.getpid()
        url = url_of("127.0.0.1", port)
        RegistryEntry(
            RunningServer(pid, process_start(pid), "127.0.0.1", port, url, "demo", "ready", 0.0)
        )
        with pytest.raises(AddressError) as raised:
            listen("127.0.0.1", port)

    assert f"`mixvllm stop {port}`" in (raised.value.hint or "")


def test_an_address_of_another_machine_is_named_as_such() -> None:
    with pytest.raises(AddressError) as raised:
        listen("192.0.2.7", 18999)

    assert raised.value.message == "192.0.2.7 is not an address of this machine."
    assert raised.value.hint is not None


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 300, "exa mple"])
def test_a_name_without_an_address_is_named_as_such(host: str) -> None:
    with pytest.raises(AddressError) as raised:
        listen(host, 18999)

    assert "has no address" in raised.value.message


def test_nobody_holds_a_free_port() -> None:
    with listen("127.0.0.1", 0) as sock:
        port = sock.getsockname()[1]

    assert find_port_holder(port) is None


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("10.0.0.7", "http://10.0.0.7:8000"),
        ("localhost", "http://localhost:8000"),
        ("::1", "http://[::1]:8000"),
    ],
)
def test_the_url_is_one_that_this_machine_can_open(host: str, url: str) -> None:
    assert url_of(host, 8000) == url


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        *((host, True) for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost")),
        *((host, False) for host in ("0.0.0.0", "::", "10.0.0.7", "example.org")),
    ],
)
def test_only_loopback_addresses_keep_the_server_to_this_machine(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
