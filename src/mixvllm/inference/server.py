"""Starting a server from settings."""

from mixvllm.server.launch import start_server
from mixvllm.server.vllm_command import build_vllm_command

__all__ = ["build_vllm_command", "start_server"]
