"""`mixvllm-mcp NAME`: run one of the MCP servers that come with mixvllm, on stdin and stdout."""

from __future__ import annotations

import sys
from importlib import import_module

from mixvllm.chat.shipped.table import SERVERS

USAGE = 2


def main() -> None:
    """Run the server that the command line names."""
    words = sys.argv[1:]
    if words in (["--help"], ["-h"]):
        sys.stdout.write(usage())
        return
    if len(words) != 1 or words[0] not in SERVERS:
        said = f"\nThere is no server {' '.join(words)!r}.\n" if words else ""
        sys.stderr.write(f"{usage()}{said}")
        sys.exit(USAGE)
    try:
        module = import_module(SERVERS[words[0]].module)
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("mcp"):
            raise
        sys.exit('It needs the package `mcp`: pip install "mixvllm[chat]"')
    try:
        module.server.run()
    except KeyboardInterrupt:
        sys.exit(130)


def usage() -> str:
    """How it is called, and the servers."""
    lines = [f"  {name:<12}{server.summary}" for name, server in SERVERS.items()]
    return "\n".join(
        [
            "Usage: mixvllm-mcp NAME",
            "",
            "Run an MCP server on stdin and stdout, for `mcpServers:` of a chat:",
            *lines,
            "",
        ]
    )


if __name__ == "__main__":
    main()
