"""Against a stand-in hub on this machine that speaks the few words that are asked."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mixvllm.models.sources.hub_download import wanted_files

CHECK = """
import sys
from mixvllm.errors import ModelError
from mixvllm.models.sources.hub import check_hub_model
try:
    check_hub_model(sys.argv[1], sys.argv[2] or None)
except ModelError as error:
    print(error.message)
    print(error.hint)
"""


ERRORS = {"unknown": "RepoNotFound", "gated": "GatedRepo", "old": "RevisionNotFound"}


COMMIT = "0" * 40
FILES = {
    "config.json": b"{}",
    "model.safetensors": b"w" * 3_000_000,
    "pytorch_model.bin": b"w" * 10,
    "README.md": b"#",
}


class StandInHub(BaseHTTPRequestHandler):
    """Answers `HEAD /OWNER/NAME/resolve/REVISION/config.json` as the hub does."""

    def do_HEAD(self) -> None:
        _, owner, *_ = self.path.split("/")
        if owner == "good":
            self.send_response(200)
            content = FILES.get(self.path.rpartition("/")[2], b"")
            self.send_header("ETag", f'"{hash(content)}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            return
        if owner == "plain":
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
        elif owner in ERRORS:
            self.send_response(403 if owner == "gated" else 404)
            self.send_header("X-Error-Code", ERRORS[owner])
        else:
            self.send_response(500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        if self.path.startswith("/api/models/huge/model/tree"):
            entry = {"type": "file", "path": "a.safetensors", "size": 1 << 60, "oid": "0"}
            content = json.dumps([entry]).encode()
        elif self.path.startswith("/api/models/good/model/tree"):
            tree = [
                {"type": "file", "path": name, "size": len(text), "oid": str(hash(text))}
                for name, text in FILES.items()
            ]
            content = json.dumps(tree).encode()
        elif self.path.startswith("/api/models/good/model"):
            siblings = [{"rfilename": name} for name in FILES]
            content = json.dumps({"id": "good/model", "sha": COMMIT, "siblings": siblings}).encode()
        else:
            content = FILES.get(self.path.rpartition("/")[2], b"")
        self.send_response(200 if content else 404)
        self.send_header("ETag", f'"{hash(content)}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), StandInHub) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "hf"


def check(
    name: str, home: Path, *, endpoint: str, revision: str = "", offline: bool = False
) -> list[str]:
    """What is said of a model: nothing when it can be had, else message and hint."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(home),
        "HF_HUB_OFFLINE": "1" if offline else "0",
    }
    command = [sys.executable, "-c", CHECK, name, revision]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return ran.stdout.splitlines()


@pytest.mark.parametrize("name", ["good/model", "plain/gguf-only"])
def test_a_model_that_the_hub_has_passes(name: str, hub: str, home: Path) -> None:
    assert check(name, home, endpoint=hub) == []


def test_an_unknown_model_is_named_with_the_ways_to_go_on(hub: str, home: Path) -> None:
    message, hint = check("unknown/model", home, endpoint=hub)

    assert message == "The hub has no model unknown/model, or it is private."
    assert hub in hint
    assert "HF_TOKEN" in hint
    assert "local directory" in hint


def test_a_gated_model_says_how_to_get_in(hub: str, home: Path) -> None:
    message, hint = check("gated/model", home, endpoint=hub)

    assert "gated/model is gated" in message
    assert f"{hub}/gated/model" in hint
    assert "HF_TOKEN" in hint


def test_a_revision_that_is_not_there_is_named(hub: str, home: Path) -> None:
    message, _ = check("old/model", home, endpoint=hub, revision="v9")

    assert message == "The model old/model has no revision 'v9'."


@pytest.mark.parametrize("name", ["with blank/model", "a--b", "name/"])
def test_a_name_that_cannot_be_one_is_said_to_be_misspelt(name: str, hub: str, home: Path) -> None:
    message, hint = check(name, home, endpoint=hub)

    assert "is no name of a model" in message
    assert "spelling" in hint


def test_without_a_network_the_model_and_the_hub_are_named(home: Path) -> None:
    message, hint = check("good/model", home, endpoint="http://127.0.0.1:9")

    assert message.startswith("The model good/model is not on this machine, and http://127.0.0.1:9")
    assert "Connection refused" in message
    assert "demo" in hint


def test_offline_and_not_in_the_cache_names_the_variable(home: Path) -> None:
    message, hint = check("good/model", home, endpoint="http://127.0.0.1:9", offline=True)

    assert "HF_HUB_OFFLINE" in message
    assert "HF_HUB_OFFLINE" in hint


@pytest.mark.parametrize("offline", [True, False])
def test_a_model_in_the_cache_needs_no_network(home: Path, offline: bool) -> None:
    repository, commit = home / "hub" / "models--good--model", "0" * 40
    snapshot = repository / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)

    assert check("good/model", home, endpoint="http://127.0.0.1:9", offline=offline) == []


def test_a_broken_hub_is_said_to_be_out_of_reach(hub: str, home: Path) -> None:
    message, _ = check("broken/model", home, endpoint=hub)

    assert "cannot be reached" in message
    assert "500" in message


FETCH = """
import sys
from mixvllm.models.sources.hub import fetch_hub_model
fetch_hub_model(sys.argv[1], None, lambda done, total: print(done, total))
"""


def test_what_vllm_loads_is_brought_into_the_cache_and_the_bytes_are_told(
    hub: str, home: Path
) -> None:
    environment = {**os.environ, "HF_ENDPOINT": hub, "HF_HOME": str(home)}
    command = [sys.executable, "-c", FETCH, "good/model"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)

    assert ran.stdout.splitlines()[-1] == "3000002 3000002"
    snapshot = home / "hub" / "models--good--model" / "snapshots" / COMMIT
    assert {path.name for path in snapshot.iterdir()} == {"config.json", "model.safetensors"}
    assert ran.stderr == ""


def test_a_model_that_the_disk_cannot_hold_is_refused_before_the_download(
    hub: str, home: Path
) -> None:
    environment = {**os.environ, "HF_ENDPOINT": hub, "HF_HOME": str(home)}
    command = [sys.executable, "-c", FETCH, "huge/model"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True)

    said = ran.stderr
    assert "There is no room for the model huge/model: 1,073,741,824.00 GiB are to be" in said
    assert str(home) in said
    assert not home.exists()


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        (["a.safetensors", "b.bin", "c.json", "README.md"], ["a.safetensors", "c.json"]),
        (["consolidated.safetensors", "model.safetensors"], ["consolidated.safetensors"]),
        (["pytorch_model.bin", "original/x.safetensors"], ["pytorch_model.bin"]),
        (["model.gguf", "config.json"], []),
    ],
)
def test_the_files_that_vllm_would_load_are_the_ones_wanted(
    files: list[str], wanted: list[str]
) -> None:
    assert wanted_files(files) == wanted
