"""An MCP server of few lines, with a tool that gives its text back: `python tiny_mcp_server.py`.

It imports nothing but the standard library, so that it answers at once.
"""

import json
import sys
from typing import Any

TOOL = {
    "name": "echo",
    "description": "Give the text back.",
    "inputSchema": {
        "type": "object",
        "properties": {"text": {"type": "string"}},
        "required": ["text"],
    },
}


def answer(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    if method == "initialize":
        return {
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "tiny", "version": "1"},
        }
    if method == "tools/list":
        return {"tools": [TOOL]}
    if method == "tools/call":
        return {"content": [{"type": "text", "text": params["arguments"]["text"]}]}
    return None


def main() -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        if "id" not in asked:
            continue
        result = answer(asked["method"], asked.get("params") or {})
        refusal = {"code": -32601, "message": "no such method"}
        came = {"error": refusal} if result is None else {"result": result}
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": asked["id"], **came}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
