"""The `mixvllm` command, which also writes down the route table of vLLM's app when it is made."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from mixvllm.cli.app import main
from mixvllm.vllm_internals.vllm_engine import VllmEngine

ROUTES_FILE = "TEST_ROUTES_FILE"


def walk(routes: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Method and path of every route, those of mounted apps and included routers too."""
    for route in routes:
        path = prefix + getattr(route, "path", "")
        inner = getattr(route, "routes", None)
        if inner:
            yield from walk(inner, path)
        kind = "WEBSOCKET" if "WebSocket" in type(route).__name__ else "GET"
        for method in getattr(route, "methods", None) or [kind]:
            yield method, path


def record() -> None:
    """Let the engine's app be made as always, and keep what it routes."""
    start = VllmEngine.start

    async def start_and_record(self: VllmEngine, server: object) -> FastAPI:
        app = await start(self, server)
        Path(os.environ[ROUTES_FILE]).write_text(json.dumps(sorted(set(walk(app.routes)))))
        return app

    VllmEngine.start = start_and_record  # type: ignore[method-assign]


if __name__ == "__main__":
    record()
    main()
