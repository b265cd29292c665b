"""One round of tool calls: each is asked about in turn, then all that may run do so at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mixvllm.chat.events import CallFinished, CallRequested
from mixvllm.chat.messages import Message, read_arguments, result_message
from mixvllm.chat.tools import Approval, Approver, Tool, Toolbox, ToolCall, ToolResult
from mixvllm.settings.names import nearest

DENIED = ToolResult("The user did not allow this call.", is_error=True)
STOPPED = ToolResult("The user stopped this call.", is_error=True)
SHOWN_ARGUMENTS = 200


@dataclass
class Permissions:
    """Which calls may run.

    Attributes:
        approver: Asked about each call; without one every call is denied.
        allow_all: Nobody is asked, everything may run (`--yes`).
        always: The tools that the user allowed for good.
    """

    approver: Approver | None = None
    allow_all: bool = False
    always: set[str] = field(default_factory=set)

    async def allow(self, call: ToolCall, tool: Tool) -> bool:
        """Whether a call may run; `always` is remembered."""
        if self.allow_all or tool.name in self.always:
            return True
        if self.approver is None:
            return False
        said = await self.approver(call, tool)
        if said is Approval.ALWAYS:
            self.always.add(tool.name)
        return said is not Approval.DENY


@dataclass
class ToolRound:
    """The calls of one answer.

    Attributes:
        calls: In the model's order.
        toolbox: Who runs them; without one, none can be.
        permissions: Who may say no.
        results: What came of them, by the call's id.
    """

    calls: Sequence[ToolCall]
    toolbox: Toolbox | None
    permissions: Permissions
    results: dict[str, ToolResult] = field(default_factory=dict)

    async def run(self) -> AsyncGenerator[CallRequested | CallFinished, None]:
        """Ask about each call, run the allowed ones side by side, tell of each as it ends."""
        tools = {tool.name: tool for tool in self.toolbox.tools()} if self.toolbox else {}
        allowed: list[tuple[ToolCall, dict[str, Any]]] = []
        for call in self.calls:
            yield CallRequested(call)
            arguments = read_arguments(call)
            refusal = _cannot_run(call, arguments, tools)
            if refusal is None and not await self.permissions.allow(call, tools[call.name]):
                refusal = DENIED
            if refusal is not None:
                self.results[call.id] = refusal
                yield CallFinished(call, refusal, 0.0)
            else:
                allowed.append((call, arguments or {}))
        if self.toolbox is None:
            return
        running = {asyncio.create_task(self._call(self.toolbox, *each)) for each in allowed}
        try:
            for finished in asyncio.as_completed(running):
                yield await finished
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def messages(self) -> list[Message]:
        """A result for each call, in their order: servers refuse a call that has none."""
        return [result_message(call, self.results.get(call.id, STOPPED)) for call in self.calls]

    async def _call(
        self, toolbox: Toolbox, call: ToolCall, arguments: dict[str, Any]
    ) -> CallFinished:
        began = time.monotonic()
        result = await toolbox.call(call.name, arguments)
        self.results[call.id] = result
        return CallFinished(call, result, time.monotonic() - began)


def _cannot_run(
    call: ToolCall, arguments: dict[str, Any] | None, tools: dict[str, Tool]
) -> ToolResult | None:
    """What to tell the model of a call that nobody can run; None where it can be tried."""
    if call.name not in tools:
        near = nearest(call.name, tools)
        words = f"Did you mean {near}?" if near else f"There are: {', '.join(tools) or 'none'}."
        return ToolResult(f"There is no tool {call.name}. {words}", is_error=True)
    if arguments is None:
        shown = call.arguments[:SHOWN_ARGUMENTS]
        return ToolResult(
            f"The arguments must be one JSON object; these are not: {shown}", is_error=True
        )
    return None
