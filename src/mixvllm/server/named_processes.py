"""The processes on the GPUs, with the servers of mixvllm known among them."""

from __future__ import annotations

from dataclasses import replace

from mixvllm.gpus.device import Inventory


def with_servers_named(inventory: Inventory) -> Inventory:
    """The inventory, with what this machine tells of the processes on the GPUs."""
    if not any(gpu.processes for gpu in inventory.gpus):
        return inventory
    # Most GPUs are idle, and psutil takes a while to import.
    from mixvllm.gpus.processes import with_processes_named
    from mixvllm.server.registry import running_servers

    servers = {server.pid for server in running_servers()}
    return replace(inventory, gpus=with_processes_named(inventory.gpus, servers))
