"""Fills in the configured sampling values that a request leaves out.

vLLM's own `--override-generation-config` covers the sampling values on every route, but its
`max_new_tokens` is a silent ceiling and `/v1/completions` has a default length of its own; in the
request body a default is a default on all three routes.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from mixvllm.server.engine import ASGIApp, Message, Receive, Scope, Send
from mixvllm.server.middleware.body import read_body, replay

if TYPE_CHECKING:
    from mixvllm.server.live_settings import LiveSettings
    from mixvllm.settings.schema import GenerationDefaultsConfig

# The names of the answer's length on each route: the first is filled in when all are missing.
LENGTH_NAMES = {
    "/v1/completions": ("max_tokens",),
    "/v1/chat/completions": ("max_completion_tokens", "max_tokens"),
    "/v1/responses": ("max_output_tokens",),
}


class GenerationDefaults:
    """Adds what a request to a generating route leaves out; a request's own value always wins."""

    def __init__(
        self, app: ASGIApp, live: LiveSettings, max_model_len: Callable[[], int | None]
    ) -> None:
        """Wrap the engine's app.

        Args:
            app: What answers the requests.
            live: Where the configured values stand.
            max_model_len: The engine's longest context: vLLM refuses a longer answer, and a
                default must not make requests fail.
        """
        self.app = app
        self.live = live
        self.max_model_len = max_model_len
        self._config: GenerationDefaultsConfig | None = None
        self._defaults: dict[str, Any] = {}

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass a request on, its body completed where it is a generating one."""
        if not concerns(scope) or not (defaults := self._configured()):
            return self.app(scope, receive, send)
        return self._pass_on_completed(scope, receive, send, defaults)

    async def _pass_on_completed(
        self, scope: Scope, receive: Receive, send: Send, defaults: dict[str, Any]
    ) -> None:
        messages = await read_body(receive)
        original = b"".join(message.get("body", b"") for message in messages)
        completed = self._complete(original, defaults, LENGTH_NAMES[scope["path"]])
        if completed is None or messages[-1]["type"] != "http.request":
            await self.app(scope, replay(messages, receive), send)
            return
        request: Message = {"type": "http.request", "body": completed, "more_body": False}
        headers = _with_length(scope["headers"], len(completed))
        await self.app({**scope, "headers": headers}, replay([request], receive), send)

    def _configured(self) -> dict[str, Any]:
        """The configured values; made anew only when the settings were replaced."""
        config = self.live.current.generation_defaults
        if config is not self._config:
            self._config, self._defaults = config, config.model_dump(exclude_none=True)
        return self._defaults

    def _complete(
        self, body: bytes, defaults: dict[str, Any], length_names: tuple[str, ...]
    ) -> bytes | None:
        """The completed body, or None where there is nothing to add: vLLM answers bad JSON."""
        try:
            request = json.loads(body)
        except (ValueError, RecursionError):
            return None
        if not isinstance(request, dict):
            return None
        missing = self._missing(request, defaults, length_names)
        return json.dumps({**request, **missing}).encode() if missing else None

    def _missing(
        self,
        request: Mapping[str, Any],
        defaults: dict[str, Any],
        length_names: tuple[str, ...],
    ) -> dict[str, Any]:
        max_tokens = defaults.get("max_tokens")
        sampling = ((name, value) for name, value in defaults.items() if name != "max_tokens")
        missing = {name: value for name, value in sampling if request.get(name) is None}
        if max_tokens and all(request.get(name) is None for name in length_names):
            longest = self.max_model_len()
            missing[length_names[0]] = min(max_tokens, longest or max_tokens)
        return missing


def concerns(scope: Scope) -> bool:
    """Whether a request generates on a route whose body we complete."""
    return scope["type"] == "http" and scope["method"] == "POST" and scope["path"] in LENGTH_NAMES


def _with_length(headers: list[tuple[bytes, bytes]], length: int) -> list[tuple[bytes, bytes]]:
    framing = (b"content-length", b"transfer-encoding")
    kept = [(name, value) for name, value in headers if name not in framing]
    return [*kept, (b"content-length", str(length).encode())]
