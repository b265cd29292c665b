"""From a request to a conversation: the server ready, its model chosen, tools connected."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mixvllm.chat.connecting import require_listener, wait_until_ready
from mixvllm.chat.conversation import Conversation
from mixvllm.chat.events import ServerLoading
from mixvllm.chat.served_model import ServedModel, choose_model
from mixvllm.chat.session_store import SessionStore
from mixvllm.chat.slash_actions import Desk
from mixvllm.chat.tool_round import Permissions
from mixvllm.cli.chat_asking import Asker
from mixvllm.cli.chat_display import Display, drawing
from mixvllm.cli.chat_request import ChatRequest
from mixvllm.cli.chat_session import open_history
from mixvllm.cli.output import Output
from mixvllm.errors import ModelChoiceError
from mixvllm.render.chat_servers import server_failure

if TYPE_CHECKING:
    from mixvllm.chat.api_client import ApiClient
    from mixvllm.chat.mcp_servers import McpToolbox
    from mixvllm.chat.mcp_state import ServerState


@dataclass(frozen=True)
class Begun:
    """A chat that can begin.

    Attributes:
        desk: The conversation, and where it is recorded.
        toolbox: The MCP servers, or None.
    """

    desk: Desk
    toolbox: McpToolbox | None

    def states(self) -> Sequence[ServerState]:
        """The MCP servers now."""
        return self.toolbox.states() if self.toolbox is not None else ()


@asynccontextmanager
async def begun(
    request: ChatRequest, display: Display, output: Output, asker: Asker | None, *, records: bool
) -> AsyncIterator[Begun]:
    """A conversation with the server; all is closed with the block.

    Args:
        request: What is asked for.
        display: Shows what is waited for.
        output: Told of what is not as asked for.
        asker: Asks the user; without one nothing is asked, and no tool may run unless all may.
        records: Whether a conversation that was given no name is recorded.

    Raises:
        MixvllmError: there is no server, it cannot be used, or something is not installed.
    """
    await require_listener(request.endpoint)
    # It takes most of a second to import what asks; that there is no server has been told by now.
    from mixvllm.chat.api_client import ApiClient

    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(ApiClient(request.endpoint))
        models = await _models_of(client, display)
        model = await _chosen(models, request, asker)
        toolbox = None
        if request.mcp_file is not None:
            tools = _connected(request.mcp_file, display, output)
            toolbox = await stack.enter_async_context(tools)
        sessions = SessionStore()
        history, file = open_history(request, sessions, model.name, output, records=records)
        conversation = Conversation(
            client,
            model,
            models=models,
            history=history,
            sampling=request.sampling,
            toolbox=toolbox,
            permissions=Permissions(asker.approve if asker else None, allow_all=request.allow_all),
            most_rounds=request.most_rounds,
            tool_choice=request.tool_choice,
        )
        yield Begun(Desk(conversation, sessions, file), toolbox)


async def _models_of(client: ApiClient, display: Display) -> tuple[ServedModel, ...]:
    """What the server has, once it is ready."""
    async with drawing(display), aclosing(wait_until_ready(client)) as steps:
        async for step in steps:
            if not isinstance(step, ServerLoading):
                return step
            display.show(step)
    return ()


async def _chosen(
    models: Sequence[ServedModel], request: ChatRequest, asker: Asker | None
) -> ServedModel:
    """The model to talk to.

    Raises:
        ModelChoiceError: it cannot be told which.
    """
    names = {model.name for model in models}
    configured = request.configured_model if request.configured_model in names else None
    wanted = request.model or configured
    try:
        return choose_model(models, wanted)
    except ModelChoiceError as error:
        if asker is None or not error.names or wanted is not None:
            raise
        return choose_model(models, await asker.choose_model(error.names))


@asynccontextmanager
async def _connected(file: Path, display: Display, output: Output) -> AsyncIterator[McpToolbox]:
    """The MCP servers of a file; those that cannot be had are told, and do not stop the chat.

    Raises:
        SettingsError: the file is invalid.
        InstallationError: the MCP SDK is not installed.
    """
    from mixvllm.chat.mcp_servers import McpToolbox
    from mixvllm.settings.mcp_loading import load_mcp_servers

    toolbox = McpToolbox(load_mcp_servers(file, os.environ))
    async with AsyncExitStack() as stack:
        async with drawing(display, "connecting the MCP servers"):
            await stack.enter_async_context(toolbox)
        for state in toolbox.states():
            if state.error is not None:
                output.say(server_failure(state))
        yield toolbox
