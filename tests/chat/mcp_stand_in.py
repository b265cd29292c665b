"""A small MCP server over pipes that misbehaves as it is told; the standard library alone.

It speaks the handshake that most servers speak today, and starts in a moment.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

PAGE = 2
MODERN = "2026-07-28"
OF_MODERN = {"resultType": "complete", "ttlMs": 0, "cacheScope": "public"}
TOOLS = (
    *("echo", "environment", "slow", "die", "die once", "raise", "long", "parts", "structured"),
    *("forgotten", "nonsense", "learn"),
)
LEARNT: list[str] = []
MISBEHAVIOUR = sys.argv[1] if len(sys.argv) > 1 else "none"
FILE = Path(sys.argv[2]) if len(sys.argv) > 2 else Path()


def say(message: dict[str, Any]) -> None:
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def listed(cursor: str | None) -> dict[str, Any]:
    known = [*TOOLS, *LEARNT]
    start = int(cursor or 0)
    end = start + PAGE
    schema = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    tools = [
        {
            "name": name,
            "description": f"The tool {name}.",
            "inputSchema": schema,
            "annotations": {"readOnlyHint": name == "die once"},
        }
        for name in known[start:end]
    ]
    modern = OF_MODERN if MISBEHAVIOUR == "is modern" else {}
    return {"tools": tools, **modern, **({"nextCursor": str(end)} if end < len(known) else {})}


def text(value: str, *, is_error: bool = False) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": value}], "isError": is_error}


def called(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    match name:
        case "echo" if "text" not in arguments:
            return text("1 validation error: text: Field required", is_error=True)
        case "environment":
            return text(json.dumps(dict(os.environ)))
        case "slow":
            time.sleep(60)
        case "die":
            print("fatal: out of luck", file=sys.stderr, flush=True)
            os._exit(3)
        case "die once" if not FILE.exists():
            FILE.touch()
            os._exit(3)
        case "raise":
            return text("Error executing tool raise", is_error=True)
        case "long":
            return text("x" * int(arguments["text"]))
        case "structured":
            return {"content": [], "structuredContent": {"degrees": 21}}
        case "parts":
            image = {"type": "image", "data": "AAAA" * 1000, "mimeType": "image/png"}
            link = {"type": "resource_link", "name": "notes", "uri": "file:///notes"}
            return {"content": [{"type": "text", "text": "two"}, image, link]}
        case _:
            pass
    return text(f"{name}: {arguments['text']}")


def answer(message: dict[str, Any]) -> None:
    method, number = message["method"], message.get("id")
    parameters = message.get("params") or {}
    match method:
        case "initialize" if MISBEHAVIOUR == "is modern":
            data = {"supported": [MODERN], "requested": parameters["protocolVersion"]}
            error = {"code": -32022, "message": "Unsupported protocol version", "data": data}
            say({"id": number, "error": error})
        case "server/discover" if MISBEHAVIOUR == "is modern":
            found = {"supportedVersions": [MODERN], "capabilities": {"tools": {}}}
            say({"id": number, "result": {**found, **OF_MODERN}})
        case "initialize":
            info = {"name": "stand-in", "version": "1"}
            result = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}}
            say({"id": number, "result": {**result, "serverInfo": info}})
        case "tools/list" if MISBEHAVIOUR != "has no tools":
            say({"id": number, "result": listed(parameters.get("cursor"))})
        case "tools/call" if parameters["name"] == "forgotten":
            say({"id": number, "error": {"code": -32602, "message": "Unknown tool: forgotten"}})
        case "tools/call" if parameters["name"] == "nonsense":
            say({"id": number, "result": {"content": "nonsense"}})
        case "tools/call":
            if parameters["name"] == "learn":
                LEARNT.append(parameters["arguments"]["text"])
                say({"method": "notifications/tools/list_changed"})
            result = called(parameters["name"], parameters.get("arguments") or {})
            say({"id": number, "result": result})
        case _ if number is not None:
            say({"id": number, "error": {"code": -32601, "message": "Method not found"}})
        case _:
            pass


def say_and_sleep(text: str, stream: TextIO) -> None:
    print(text, file=stream, flush=True)
    time.sleep(60)


def ignore_signals() -> None:
    for ignored in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    FILE.write_text(f"{os.getpid()} {child.pid}", encoding="utf-8")


def be_silent_the_second_time() -> None:
    with FILE.open("a", encoding="utf-8") as starts:
        starts.write("x")
    if FILE.read_text(encoding="utf-8") == "xx":
        time.sleep(60)


def flood() -> None:
    for number in range(200_000):
        print(f"line {number} of the log", file=sys.stderr)


def babble() -> None:
    while True:
        sys.stdout.write("x" * 2**20)


MISBEHAVIOURS: dict[str, Callable[[], object]] = {
    "exits": lambda: sys.exit("RuntimeError: no key was \x1b[31mgiven\x1b[0m"),
    "is silent": lambda: say_and_sleep("waiting for the moon", sys.stderr),
    "prints": lambda: say_and_sleep("Welcome to the server!", sys.stdout),
    "greets": lambda: print("Welcome to the server!", flush=True),
    "does not end": ignore_signals,
    "floods": flood,
    "babbles": babble,
    "is silent the second time": be_silent_the_second_time,
}


if __name__ == "__main__":
    MISBEHAVIOURS.get(MISBEHAVIOUR, lambda: None)()
    greeting = json.loads(sys.stdin.readline())
    if MISBEHAVIOUR == "wants its greeting" and greeting["method"] != "initialize":
        sys.exit("expected initialize")
    answer(greeting)
    for line in sys.stdin:
        answer(json.loads(line))
    if MISBEHAVIOUR == "does not end":
        time.sleep(60)
