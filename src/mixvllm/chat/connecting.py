"""The way from an address to a model that answers: who listens, is it ready, what does it serve."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncGenerator

from mixvllm.chat.api_client import CONNECT_TIMEOUT_S, ApiClient
from mixvllm.chat.api_errors import ApiError, Refused, Unreachable
from mixvllm.chat.endpoint import Endpoint
from mixvllm.chat.events import ServerLoading
from mixvllm.chat.served_model import ServedModel
from mixvllm.chat.wording import failure_of
from mixvllm.errors import ChatError, without_number

POLL_S = 0.5
# A large model on slow storage takes this long; a server that takes longer is not waited for.
PATIENCE_S = 3600.0
# Phases that do not end in `ready`.
ENDING = frozenset({"draining", "stopped"})


async def require_listener(endpoint: Endpoint) -> None:
    """Make sure that somebody listens, before anything heavy is loaded.

    Only servers of this machine are tried: others may be behind a proxy.

    Raises:
        ChatError: nobody does.
    """
    if not endpoint.is_on_this_machine:
        return
    address = (endpoint.host, endpoint.port)
    try:
        # asyncio's own way has errors that list calls and addresses.
        found = await asyncio.to_thread(socket.create_connection, address, CONNECT_TIMEOUT_S)
    except OSError as error:
        raise no_server(endpoint, error.strerror or str(error)) from error
    found.close()


def no_server(endpoint: Endpoint, reason: str) -> ChatError:
    """Nobody answers at the address."""
    hint = "Start one in another terminal: mixvllm serve demo"
    here = endpoint.is_on_this_machine
    return ChatError(
        f"No server answers at {endpoint.base_url}: {without_number(reason).rstrip('.')}.",
        hint=hint if here else "Check the URL, and that this machine can reach it.",
        code="server-not-reached",
    )


async def wait_until_ready(
    client: ApiClient, *, poll_s: float = POLL_S, patience_s: float = PATIENCE_S
) -> AsyncGenerator[ServerLoading | tuple[ServedModel, ...], None]:
    """Ask for the models until there is an answer: the phases on the way, then the models.

    Raises:
        ChatError: nobody answers, the server refuses, or it does not get ready in time.
    """
    began = time.monotonic()
    while True:
        try:
            yield await client.models()
            return
        except Unreachable as error:
            raise no_server(client.endpoint, str(error)) from error
        except ApiError as error:
            phase = loading_phase(error)
            if phase is None:
                failed = failure_of(error)
                raise ChatError(failed.message, hint=failed.hint) from error
            waited = time.monotonic() - began
            if waited > patience_s:
                raise ChatError(
                    f"The server is still not ready after {waited:.0f} s (phase: {phase}).",
                    hint="Look at what it prints; `mixvllm status` shows how far it is.",
                ) from error
            yield await _loading(client, error, phase, waited)
        await asyncio.sleep(poll_s)


def loading_phase(error: ApiError) -> str | None:
    """What a server is doing that will answer in a while; None where waiting is of no use."""
    if not isinstance(error, Refused) or error.status != 503:
        return None
    phase = error.body.phase
    if phase is None:
        return "loading" if "loading" in error.body.message.lower() else None
    return None if phase in ENDING else phase


async def _loading(client: ApiClient, error: ApiError, phase: str, waited: float) -> ServerLoading:
    elapsed = error.body.elapsed_s if isinstance(error, Refused) else None
    if elapsed is None:  # not a server of ours
        return ServerLoading(phase, waited)
    try:
        progress = await client.progress()
    except ApiError:
        progress = None
    return ServerLoading(phase, elapsed, progress)
