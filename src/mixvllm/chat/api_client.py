"""The served model over HTTP: the only module that knows the `openai` package.

Answers are read as plain documents: servers differ in what they add, leave out and misspell, and
the package's own types would lose the first and stumble over the rest.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

from mixvllm.chat.api_errors import CutOff, ErrorBody, Refused, Unreachable, error_in
from mixvllm.chat.endpoint import Endpoint
from mixvllm.chat.event_stream import EventReader
from mixvllm.chat.served_model import ServedModel, models_in
from mixvllm.errors import InstallationError

if TYPE_CHECKING:
    import openai

CONNECT_TIMEOUT_S = 5.0
# mixvllm's server sends a comment every 15 s: silence for longer means that nobody is there.
SILENCE_TIMEOUT_S = 600.0
DONE = "[DONE]"
SHOWN_LENGTH = 300
# What a server that checks no key is sent: the package insists on one.
NO_KEY = "none"


class ApiClient:
    """Asks one server. Use it in `async with`, which closes its connections."""

    def __init__(self, endpoint: Endpoint, *, silence_timeout_s: float = SILENCE_TIMEOUT_S) -> None:
        """Prepare to ask; nothing is sent yet.

        Raises:
            InstallationError: the `openai` package is missing.
        """
        try:
            import openai
        except ImportError as error:
            raise InstallationError(
                "`mixvllm chat` needs the package `openai`, which is not installed.",
                hint="pip install 'mixvllm[chat]'",
                code="chat-extra-missing",
            ) from error
        self.endpoint = endpoint
        # A proxy of the environment cannot reach this machine's own addresses.
        http = openai.DefaultAsyncHttpxClient(trust_env=not endpoint.is_on_this_machine)
        self._openai = openai
        self._client = openai.AsyncOpenAI(
            base_url=endpoint.base_url,
            api_key=endpoint.api_key or NO_KEY,
            # Else the environment's OPENAI_* would go to whatever server this is.
            organization="",
            project="",
            max_retries=0,
            timeout=openai.Timeout(silence_timeout_s, connect=CONNECT_TIMEOUT_S),
            http_client=http,
        )

    async def __aenter__(self) -> ApiClient:
        """Nothing is opened before the first request."""
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close the connections."""
        await self._client.close()

    async def models(self) -> tuple[ServedModel, ...]:
        """The models that the server has.

        Raises:
            ApiError: it could not be asked, or is not ready.
        """
        async with self._asked():
            return models_in(await self._client.get("/models", cast_to=object))

    async def progress(self) -> str | None:
        """What a server of mixvllm that is loading says of its progress; None if it says nothing.

        Raises:
            ApiError: it could not be asked.
        """
        async with self._asked():
            url = f"{self.endpoint.root_url}/status"
            status = await self._client.get(url, cast_to=object)
        progress = status.get("progress") if isinstance(status, dict) else None
        return str(progress["detail"]) if progress and progress.get("detail") else None

    async def count_tokens(
        self, model: str, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]
    ) -> int | None:
        """The tokens of a prompt, by vLLM's `/tokenize`; None where the server has no such route.

        Raises:
            ApiError: it could not be asked, or refuses the messages.
        """
        body = {"model": model, "messages": messages, **({"tools": tools} if tools else {})}
        url = f"{self.endpoint.root_url}/tokenize"
        try:
            async with self._asked():
                answer = await self._client.post(url, body=body, cast_to=object)
        except Refused as refused:
            if refused.status in (404, 405, 501):
                return None
            raise
        count = answer.get("count") if isinstance(answer, dict) else None
        return count if isinstance(count, int) else None

    async def chat(self, body: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """Stream a chat completion, document by document.

        Closing the generator closes the connection, by which the server knows that nobody waits
        any more.

        Raises:
            ApiError: the answer could not be had, or not to its end.
        """
        sent = {**body, "stream": True, "stream_options": {"include_usage": True}}
        completions = self._client.chat.completions.with_streaming_response
        async with (
            self._asked(),
            completions.create(model=sent["model"], messages=[], extra_body=sent) as answer,
        ):
            if "event-stream" not in answer.headers.get("content-type", ""):
                yield _document((await answer.read()).decode("utf-8", "replace"))
                return
            is_whole = False
            async with aclosing(_events(answer.iter_bytes())) as events:
                async for event in events:
                    if event.startswith(DONE):
                        return
                    document = _document(event)
                    is_whole = is_whole or _says_why_it_ends(document)
                    yield document
            if not is_whole:
                raise CutOff("The connection ended before the answer did.")

    @asynccontextmanager
    async def _asked(self) -> AsyncIterator[None]:
        """Turn the package's errors into ours."""
        try:
            yield
        except self._openai.APIStatusError as error:
            raise _refused(error) from error
        except self._openai.APITimeoutError as error:
            raise Unreachable("it does not answer in time") from error
        except self._openai.APIConnectionError as error:
            raise Unreachable(_reason(error)) from error
        except (self._openai.OpenAIError, json.JSONDecodeError) as error:
            raise CutOff(f"The server's answer cannot be read: {error}") from error


async def _events(pieces: AsyncIterator[bytes]) -> AsyncGenerator[str, None]:
    """The events of an answer; whatever its connection ends with is one kind of error."""
    reader = EventReader()
    try:
        async for piece in pieces:
            for event in reader.feed(piece):
                yield event
    # The types are those of the package's HTTP library, which is another one in each major version.
    except Exception as error:
        kind = type(error).__name__
        if "Timeout" in kind:
            raise CutOff("The server said nothing for too long.") from error
        raise CutOff(f"The connection broke: {str(error) or kind}") from error
    for event in reader.end():
        yield event


def _document(text: str) -> dict[str, Any]:
    """One document of an answer.

    Raises:
        CutOff: it is no JSON object.
        Refused: it is an error.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise CutOff(f"The server sent what is not JSON: {text[:80]!r}") from error
    if said := error_in(document):
        told = document.get("error")
        code = told.get("code") if isinstance(told, dict) else None
        raise Refused(code if isinstance(code, int) else None, said, in_stream=True)
    if not isinstance(document, dict):
        raise CutOff(f"The server sent what is no JSON object: {text[:80]!r}")
    return document


def _says_why_it_ends(document: Mapping[str, Any]) -> bool:
    choices = document.get("choices") or ()
    return any(choice.get("finish_reason") for choice in choices)


def _refused(error: openai.APIStatusError) -> Refused:
    text = error.response.text
    try:
        said = error_in(json.loads(text))
    except ValueError:
        said = None
    shown = " ".join(text.split())
    is_page = shown.startswith("<") or not shown
    status = f"HTTP {error.status_code} {error.response.reason_phrase}"
    plain = ErrorBody(status if is_page else shown[:SHOWN_LENGTH])
    return Refused(error.status_code, said or plain)


def _reason(error: BaseException) -> str:
    """The system's own word on a connection that failed: the innermost error that says one."""
    deepest, said = error.__cause__, ""
    while deepest is not None:
        said = str(deepest) or said
        deepest = deepest.__cause__ or deepest.__context__
    return said or str(error)
