"""What one `mixvllm chat` was asked to do, put together from flags, environment and file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mixvllm.chat.limits import MOST_ROUNDS
from mixvllm.errors import UsageError
from mixvllm.settings.flags import setting_flags

if TYPE_CHECKING:
    from mixvllm.chat.endpoint import Endpoint
    from mixvllm.chat.sampling import Sampling
    from mixvllm.settings.resolve import Resolved

SAMPLING_SECTION = "generation_defaults"
MCP_FILE = Path("mcp_servers.yaml")


@dataclass(frozen=True)
class ChatRequest:
    """What a chat begins with.

    Attributes:
        endpoint: The server.
        model: The model that was asked for, or None.
        configured_model: The model that the settings name: taken where the server has several.
        system: The system prompt, or None for the session's.
        sampling: What requests say about sampling.
        images: Files that go with the first message.
        mcp_file: The file of MCP servers, or None.
        session: The name of the session to go on with or to begin, or None.
        goes_on: Whether to go on with the latest session.
        tool_choice: What the first request asks for.
        most_rounds: How many rounds of tool calls a message may lead to.
        allow_all: Whether every tool call may run.
        hide_thinking: Whether reasoning is left out.
        is_plain: Whether text is shown as it comes, without Markdown.
    """

    endpoint: Endpoint
    sampling: Sampling
    model: str | None = None
    configured_model: str | None = None
    system: str | None = None
    images: Sequence[Path] = ()
    mcp_file: Path | None = None
    session: str | None = None
    goes_on: bool = False
    tool_choice: str | None = None
    most_rounds: int = MOST_ROUNDS
    allow_all: bool = False
    hide_thinking: bool = False
    is_plain: bool = False


def sampling_keys() -> frozenset[str]:
    """The settings whose flags a chat takes."""
    return frozenset(each.key for each in setting_flags() if each.section == SAMPLING_SECTION)


def choose_endpoint(resolved: Resolved, url: str | None) -> Endpoint:
    """The server that is talked to: the URL's, or the one that `serve` starts with these settings.

    Raises:
        ChatError: the URL is none.
    """
    from mixvllm.chat.endpoint import endpoint_at, endpoint_here

    server = resolved.settings.server
    key = server.api_key.get_secret_value() if server.api_key is not None else None
    if url is not None:
        return endpoint_at(url, key)
    return endpoint_here(server.host, server.port, key)


def choose_sampling(resolved: Resolved, seed: int | None, stop: Sequence[str]) -> Sampling:
    """What requests say about sampling: what flags and environment say.

    What the file says is the server's own default, for all who ask it.
    """
    from mixvllm.chat.sampling import Sampling
    from mixvllm.settings.origin import Layer

    keys = sampling_keys()
    said = {
        value.key.partition(".")[2]: value.value
        for value in resolved.values
        if value.key in keys and value.origin.layer >= Layer.COMMAND_LINE
    }
    return Sampling(**said, seed=seed, stop=tuple(stop))


def choose_mcp_file(*, enabled: bool, named: Path | None) -> Path | None:
    """The file of MCP servers; naming one is enough to want it.

    Raises:
        UsageError: servers are wanted, and no file is named or found.
    """
    if named is not None:
        return named
    if not enabled:
        return None
    if not MCP_FILE.is_file():
        raise UsageError(
            f"--enable-mcp needs a file of MCP servers, and there is no ./{MCP_FILE}.",
            hint="Name one: --mcp-config FILE",
        )
    return MCP_FILE


def check_session(*, goes_on: bool, named: str | None) -> None:
    """Refuse two ways of saying which session is meant.

    Raises:
        UsageError: both are given.
    """
    if goes_on and named is not None:
        raise UsageError(
            "--continue goes on with the latest session: name one with --session, or "
            "give --continue, not both."
        )
