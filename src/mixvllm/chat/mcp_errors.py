"""What goes wrong with an MCP server, as one line that goes on after the server's name."""

from __future__ import annotations

import re
import textwrap
from urllib.parse import urlsplit

from mixvllm.secret_names import is_secret_name
from mixvllm.settings.mcp_servers import McpServer

SHOWN_CHARACTERS = 200
ESCAPE_SEQUENCE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|.)")
NOT_PRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
# A shorter one would stand in too many words by chance.
SHORTEST_SECRET = 4


class ServerFailure(Exception):
    """A server cannot be used; the message is what is said of it."""


class ConnectionLost(ServerFailure):
    """A server went away during a call.

    Attributes:
        never_ran: Whether it is certain that the call did not reach the tool.
    """

    def __init__(self, line: str, *, never_ran: bool = False) -> None:
        super().__init__(line)
        self.never_ran = never_ran


def cause_of(error: BaseException) -> BaseException:
    """The one error inside nested groups, ours before the library's."""
    found = _leaves(error)
    return next((each for each in found if isinstance(each, ServerFailure)), found[0])


def one_line(text: str, server: McpServer | None = None) -> str:
    """A line of foreign text for a message: printable, short, without the server's secrets."""
    plain = NOT_PRINTABLE.sub(" ", ESCAPE_SEQUENCE.sub("", text))
    for secret in _secrets_of(server) if server else ():
        plain = plain.replace(secret, "***")
    return textwrap.shorten(plain, SHOWN_CHARACTERS, placeholder=" ...")


def shown_url(url: str) -> str:
    """A URL without what may hold a key: user, password, query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for each in error.exceptions for leaf in _leaves(each)]
    return [error]


def _secrets_of(server: McpServer) -> list[str]:
    """The secrets that it was given, the longest first."""
    texts = [value for name, value in server.env.items() if is_secret_name(name)]
    for header in server.headers.values():
        texts += [header, header.rpartition(" ")[2]]
    return sorted((text for text in texts if len(text) >= SHORTEST_SECRET), key=len, reverse=True)
