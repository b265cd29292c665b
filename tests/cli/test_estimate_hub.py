"""`mixvllm estimate-kv` of a model on a hub that moves it, runs in circles or does not answer."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.models.sources.test_hub_documents import OneModel

CLOSED = threading.Event()
LONGEST_S = 30


class RestlessHub(OneModel):
    """Serves `good/model`, also where others lead to it."""

    def answer(self, *, with_body: bool) -> None:
        owner = self.path.removeprefix("/api/models").split("/")[1]
        here = f"http://{self.headers['Host']}"
        places = {
            "moved": self.path.replace("/moved/", "/good/"),
            "away": here + self.path.replace("/away/", "/good/"),
            "circle": self.path,
        }
        if owner == "silent":
            CLOSED.wait(LONGEST_S)
        elif owner in places:
            self.send_response(307)
            self.send_header("Location", places[owner])
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif owner == "busy":
            self.send_error(429)
        else:
            super().answer(with_body=with_body)


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), RestlessHub) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        CLOSED.set()
        server.shutdown()
        thread.join()


def ask(name: str, hub: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub,
        "HF_HOME": str(home),
        "HF_HUB_ETAG_TIMEOUT": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    command = [sys.executable, "-m", "mixvllm", "estimate-kv", name]
    return subprocess.run(
        command, env=environment, cwd=home, capture_output=True, text=True, timeout=LONGEST_S
    )


@pytest.mark.parametrize("name", ["moved/model", "away/model"])
def test_a_model_that_was_moved_is_followed(name: str, hub: str, tmp_path: Path) -> None:
    ran = ask(name, hub, tmp_path)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith(f"{name}: one request of 512 tokens")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("circle/model", "Exceeded 20 redirects"),
        ("silent/model", "timed out"),
        ("busy/model", "429 Too Many Requests"),
    ],
)
def test_a_hub_that_gives_no_answer_is_told_with_the_reason(
    name: str, said: str, hub: str, tmp_path: Path
) -> None:
    ran = ask(name, hub, tmp_path)

    assert (ran.returncode, ran.stdout) == (1, "")
    assert f"{hub} cannot be reached" in ran.stderr
    assert said in ran.stderr
    assert "Check the network" in ran.stderr
    assert "Traceback" not in ran.stderr
