"""What `serve` prints on a terminal that is narrow."""

from __future__ import annotations

import io

from rich.console import Console

from mixvllm.cli.serve_view import say_ready
from mixvllm.server.progress import ServerReady

READY = ServerReady(
    url="http://127.0.0.1:8000",
    model="demo",
    elapsed_s=25.04,
    kv_cache_tokens=23_296,
    kv_cache_max_concurrency=5.6875,
    max_model_len=4096,
)


class NarrowTerminal(io.StringIO):
    """A terminal of 40 columns."""

    def isatty(self) -> bool:
        return True


def test_words_stay_whole_and_the_request_to_try_is_one_line_for_the_shell() -> None:
    terminal = NarrowTerminal()
    say_ready(Console(file=terminal, width=40, no_color=True), READY, needs_key=False)

    *words, request = terminal.getvalue().splitlines()
    assert max(map(len, words)) <= 40
    assert " ".join(line.strip() for line in words).endswith(
        "room for 5.69 requests of 4,096 tokens Try it:"
    )
    assert "curl http://127.0.0.1:8000/v1/chat/completions" in request
    assert request.endswith("}'")
