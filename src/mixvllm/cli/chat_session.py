"""The recorded conversation that a chat goes on with, or the new one that it begins."""

from __future__ import annotations

from mixvllm.chat.history import History
from mixvllm.chat.session_file import SessionFile
from mixvllm.chat.session_store import SessionStore
from mixvllm.cli.chat_request import ChatRequest
from mixvllm.cli.output import Output


def open_history(
    request: ChatRequest, store: SessionStore, model: str, output: Output, *, records: bool
) -> tuple[History, SessionFile | None]:
    """The conversation so far, and where it is recorded.

    Args:
        request: Names the session, if any.
        store: The sessions of this user.
        model: The model that is talked to.
        output: Told of what cannot be read.
        records: Whether a conversation that was given no name is recorded too.

    Raises:
        ChatError: there is no such session, or it cannot be read.
        DirectoryError: sessions cannot be written.
    """
    name = store.newest() if request.goes_on else request.session
    history = History()
    if name is not None and (request.goes_on or store.exists(name)):
        recorded = store.load(name)
        history = recorded.history
        for problem in recorded.problems:
            output.warn(problem)
    file = store.begin(model, name) if records or name is not None else None
    if file is not None:
        history.record = file.append
    if request.system is not None and request.system != history.system:
        history.set_system(request.system)
    return history, file
