"""What a config file is called, and its top-level keys that are no sections."""

DEFAULT_FILE = "mixvllm.yaml"
PROFILES_KEY = "profiles"
# A file with this key is no file of settings: it names MCP servers (`settings/mcp_servers.py`).
MCP_KEY = "mcpServers"
# As in Compose files: a place for YAML anchors, otherwise ignored.
EXTENSION_PREFIX = "x-"
