"""Where the server is that the conversation is held with, and the key it asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from mixvllm.errors import ChatError
from mixvllm.server.address import is_loopback, url_of

API_PATH = "/v1"


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible server.

    Attributes:
        root_url: Without a slash at its end, and without `/v1`.
        api_key: The key it asks for, or None; no message shows it.
    """

    root_url: str
    api_key: str | None = field(default=None, repr=False)

    @property
    def base_url(self) -> str:
        """Where the OpenAI routes begin."""
        return self.root_url + API_PATH

    @property
    def host(self) -> str:
        """The host's name or address."""
        return urlsplit(self.root_url).hostname or ""

    @property
    def port(self) -> int:
        """The port, that of the scheme where the URL names none."""
        parts = urlsplit(self.root_url)
        return parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def is_on_this_machine(self) -> bool:
        """Whether only this machine can reach it: no proxy stands in between."""
        return is_loopback(self.host)


def endpoint_here(host: str, port: int, api_key: str | None = None) -> Endpoint:
    """The server that listens with these settings, as seen from this machine."""
    return Endpoint(url_of(host, port), api_key)


def endpoint_at(url: str, api_key: str | None = None) -> Endpoint:
    """The server at a URL, written with `/v1` or without.

    Raises:
        ChatError: it is not an http or https URL.
    """
    written = url if "://" in url else f"http://{url}"
    try:
        parts = urlsplit(written)
        is_usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        parts, is_usable = urlsplit(""), False
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ChatError(
            "The URL of the server may have a path and nothing more: no user, no question mark.",
            hint="Give the key it asks for as MIXVLLM_SERVER__API_KEY.",
        )
    if not is_usable:
        raise ChatError(
            f"{url!r} is not the URL of a server.",
            hint="Write it like http://127.0.0.1:8000/v1.",
        )
    return Endpoint(written.rstrip("/").removesuffix(API_PATH).rstrip("/"), api_key)
