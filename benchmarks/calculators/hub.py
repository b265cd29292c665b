"""A stand-in for the model hub on this machine, for calculators that read nothing else.

It serves each model's config.json and, as the hub does, the number of its parameters (mixvllm's
count) and the total size of its weights. A calculator that repeats these as its weights has
therefore answered nothing; its KV cache is its own.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0" * 40
ABOUT = re.compile(r"/api/models/([^/]+/[^/?]+)(?:/revision/[^/?]+)?(?:\?.*)?")
LISTING = re.compile(r"/api/models/([^/]+/[^/?]+)/tree/[^/?]+(?:\?.*)?")
INDEX = re.compile(r"/([^/]+/[^/]+)/resolve/[^/]+/model\.safetensors\.index\.json(?:\?.*)?")
CONFIG = re.compile(r"/([^/]+/[^/]+)/(?:resolve|raw)/[^/]+/config\.json(?:\?.*)?")


@dataclass(frozen=True)
class HubModel:
    """What the hub knows of a model."""

    config: dict[str, Any]
    parameters: int | None
    weights_bytes: float | None

    @property
    def config_text(self) -> bytes:
        """The file."""
        return json.dumps(self.config).encode()

    @property
    def files(self) -> dict[str, int]:
        """The files' sizes."""
        weights = {"model.safetensors": int(self.weights_bytes)} if self.weights_bytes else {}
        return {"config.json": len(self.config_text), **weights}


class Handler(BaseHTTPRequestHandler):
    """Answers for the files and the description of a model."""

    protocol_version = "HTTP/1.1"

    def __init__(self, models: Mapping[str, HubModel], *arguments: Any) -> None:
        self.models = models
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Answer, or say that there is no such thing."""
        body = self.body()
        self.send_response(HTTPStatus.NOT_FOUND if body is None else HTTPStatus.OK)
        if body is None:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body or b"")))
        self.send_header("ETag", f'"{hashlib.sha256(body or b"").hexdigest()[:40]}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body or b"")

    do_HEAD = do_GET

    def body(self) -> bytes | None:
        """What is at the path."""
        for pattern, answer in ANSWERS:
            found = pattern.fullmatch(self.path)
            if found and (model := self.models.get(found[1])):
                return answer(found[1], model)
        return None

    def log_message(self, format: str, *arguments: Any) -> None:
        """Keep quiet."""


def config(name: str, model: HubModel) -> bytes:
    """The model's config.json."""
    del name
    return model.config_text


def listing(name: str, model: HubModel) -> bytes:
    """The files of the model."""
    del name
    files = [{"type": "file", "path": path, "size": size} for path, size in model.files.items()]
    return json.dumps([{**file, "oid": COMMIT} for file in files]).encode()


def about(name: str, model: HubModel) -> bytes:
    """The model's description."""
    described = {
        "id": name,
        "modelId": name,
        "sha": COMMIT,
        "private": False,
        "gated": False,
        "tags": ["transformers", "safetensors"],
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "siblings": [{"rfilename": path, "size": size} for path, size in model.files.items()],
    }
    if model.parameters:
        count = {"parameters": {"BF16": model.parameters}, "total": model.parameters}
        described["safetensors"] = count
    return json.dumps(described).encode()


def index(name: str, model: HubModel) -> bytes:
    """The index of the weight files, of which the total is true."""
    del name
    files = {"model.norm.weight": "model.safetensors"}
    total = int(model.weights_bytes or 0)
    return json.dumps({"metadata": {"total_size": total}, "weight_map": files}).encode()


ANSWERS = ((CONFIG, config), (INDEX, index), (LISTING, listing), (ABOUT, about))


@contextmanager
def stand_in_hub(models: Mapping[str, HubModel]) -> Iterator[str]:
    """Serve these models by name; the address is what HF_ENDPOINT takes."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, models))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
