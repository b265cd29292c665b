"""Against a stand-in hub on this machine that serves one model, parts of files by range."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.models.files import safetensors

COMMIT = "1" * 40
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 1024,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "num_hidden_layers": 1,
    "vocab_size": 1000,
    "max_position_embeddings": 512,
}
FILES = {
    "config.json": json.dumps(CONFIG).encode(),
    "model.safetensors": safetensors({"model.embed_tokens.weight": ("BF16", [1000, 1024])}),
}
FIND = """
import sys
from mixvllm.errors import ModelError
from mixvllm.models.find import find_model
try:
    found = find_model(sys.argv[1])
    print(found.source, found.weights.source, found.weights.total_bytes)
except ModelError as error:
    print(error.message)
    print(error.hint)
"""
SENT: list[int] = []


class OneModel(BaseHTTPRequestHandler):
    """Answers for `good/model`; everything else is unknown."""

    def answer(self, *, with_body: bool) -> None:
        name = self.path.rpartition("/")[2]
        content = FILES.get(name) if self.path.startswith("/good/model/resolve/") else None
        if self.path.startswith("/api/models/good/model"):
            siblings = [{"rfilename": file} for file in FILES]
            content = json.dumps({"id": "good/model", "sha": COMMIT, "siblings": siblings}).encode()
        status, whole = 200, len(content or b"")
        if content is None:
            code = "EntryNotFound" if self.path.startswith("/good/") else "RepoNotFound"
            self.send_response(404)
            self.send_header("X-Error-Code", code)
        else:
            if asked := self.headers.get("Range"):
                first, last = asked.removeprefix("bytes=").split("-")
                content = content[int(first) : int(last) + 1 if last else None]
                status = 206
            self.send_response(status)
            self.send_header("ETag", f'"{name}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("X-Linked-Size", str(whole))
        body = content or b""
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)
            SENT.append(len(body))

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), OneModel) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def find(name: str, home: Path, endpoint: str, *, offline: bool = False) -> list[str]:
    environment = {
        **os.environ,
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(home),
        "HF_HUB_OFFLINE": "1" if offline else "0",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    result = subprocess.run(
        [sys.executable, "-c", FIND, name], env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def test_the_hub_is_asked_for_headers_and_never_for_weights(hub: str, tmp_path: Path) -> None:
    SENT.clear()
    assert find("good/model", tmp_path, hub) == ["hub safetensors headers 2048000"]
    assert sum(SENT) < 300_000


def test_what_the_hub_gave_is_found_in_the_cache_without_it(hub: str, tmp_path: Path) -> None:
    find("good/model", tmp_path, hub)
    again = find("good/model", tmp_path, "http://127.0.0.1:9", offline=True)
    assert again[0].startswith("Hugging Face cache formula")


def test_offline_nothing_is_asked_for(hub: str, tmp_path: Path) -> None:
    said = find("good/model", tmp_path, hub, offline=True)
    assert "HF_HUB_OFFLINE" in said[0]


def test_an_unknown_model_is_told_with_names_close_to_it(hub: str, tmp_path: Path) -> None:
    message, hint = find("openai/gpt-oss-21b", tmp_path, hub)
    assert "has no model openai/gpt-oss-21b" in message
    assert "openai/gpt-oss-20b" in hint
