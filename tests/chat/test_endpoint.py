"""Where the server is, from settings or from a URL."""

from __future__ import annotations

import pytest

from mixvllm.chat.endpoint import endpoint_at, endpoint_here
from mixvllm.errors import ChatError


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:8000/v1"),
        ("127.0.0.1", "http://127.0.0.1:8000/v1"),
        ("::", "http://[::1]:8000/v1"),
        ("localhost", "http://localhost:8000/v1"),
        ("box.lan", "http://box.lan:8000/v1"),
    ],
)
def test_a_server_that_listens_everywhere_is_asked_here(host: str, url: str) -> None:
    assert endpoint_here(host, 8000).base_url == url


@pytest.mark.parametrize(
    ("url", "base", "port", "is_here"),
    [
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1", 8000, True),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/v1", 8000, True),
        ("localhost:9000", "http://localhost:9000/v1", 9000, True),
        ("[::1]:9000", "http://[::1]:9000/v1", 9000, True),
        ("https://host/llm/v1/", "https://host/llm/v1", 443, False),
        ("http://host", "http://host/v1", 80, False),
    ],
)
def test_a_url_is_taken_however_it_ends(url: str, base: str, port: int, is_here: bool) -> None:
    endpoint = endpoint_at(url)

    assert (endpoint.base_url, endpoint.port) == (base, port)
    assert endpoint.is_on_this_machine is is_here


@pytest.mark.parametrize("url", ["http://me:secret@host/v1", "http://h/v1?key=secret"])
def test_a_url_with_a_secret_in_it_is_refused_without_it(url: str) -> None:
    with pytest.raises(ChatError, match="may have a path and nothing more") as caught:
        endpoint_at(url)

    assert "secret" not in caught.value.message


@pytest.mark.parametrize("url", ["", "ftp://host", "http://", "http://host:x", "http://[::1", ":"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ChatError, match="is not the URL of a server"):
        endpoint_at(url)
