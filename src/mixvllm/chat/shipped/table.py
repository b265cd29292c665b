"""The MCP servers that come with mixvllm, by name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shipped:
    """One server: the module that has it as `server`, and what it is for."""

    module: str
    summary: str


SERVERS = {
    "time": Shipped("mixvllm.chat.shipped.clock", "the time in any zone, and between zones"),
    "calculator": Shipped("mixvllm.chat.shipped.calculator", "arithmetic"),
    "status": Shipped(
        "mixvllm.chat.shipped.status", "the mixvllm servers running here; KV-cache estimates"
    ),
}
