"""The app that answers HTTP from the first second, with the engine's app behind it."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.exceptions import HTTPException

import mixvllm
from mixvllm.server.engine import ASGIApp
from mixvllm.server.live_settings import LiveSettings
from mixvllm.server.middleware.accounting import Accounting
from mixvllm.server.middleware.admission import Admission
from mixvllm.server.middleware.auth import Authentication
from mixvllm.server.middleware.body_limit import BodyLimit
from mixvllm.server.middleware.engine_switch import EngineSwitch
from mixvllm.server.middleware.generation_defaults import GenerationDefaults
from mixvllm.server.middleware.polite_ends import PoliteEnds
from mixvllm.server.middleware.request_id import RequestId, leave_id_to_body
from mixvllm.server.middleware.stream_keep_alive import StreamKeepAlive
from mixvllm.server.middleware.whole_characters import refuse_half_characters
from mixvllm.server.openai_errors import answer_http_error
from mixvllm.server.routes import create_router
from mixvllm.server.state import ServerState


def create_gateway(live: LiveSettings, supervisor: ServerState) -> ASGIApp:
    """Put our routes and middleware in front of the engine that the supervisor has.

    The engine's app is called past our router, with the request as it came: what it does with
    paths, redirects and errors stays its own. On the way to it there is no other framework, and
    middleware that has nothing to do afterwards returns the awaitable of the next one: each token
    of a stream passes all that waits for it.
    """
    traffic = supervisor.metrics.traffic
    own = own_app(live, supervisor)
    paths = frozenset(getattr(route, "path", "") for route in own.routes)

    def before_engine(app: ASGIApp) -> ASGIApp:
        ended = PoliteEnds(StreamKeepAlive(app, live), lambda: supervisor.interruption)
        admission = Admission(GenerationDefaults(ended, live, max_model_len), live)
        traffic.waiting = admission.waiting
        return BodyLimit(admission, live, (refuse_half_characters, leave_id_to_body))

    def max_model_len() -> int | None:
        return supervisor.engine.facts.max_model_len if supervisor.engine else None

    switch = EngineSwitch(own, supervisor, paths.__contains__, before_engine)
    # The first one is the outermost. Nothing of a request without the key is read but its head,
    # and its refusal is counted and named like every answer.
    return RequestId(Accounting(Authentication(switch, live), traffic))


def own_app(live: LiveSettings, supervisor: ServerState) -> FastAPI:
    """The app of our own routes."""
    own = FastAPI(
        title="mixvllm",
        version=mixvllm.__version__,
        description="A vLLM engine behind the mixvllm gateway.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    own.add_exception_handler(HTTPException, answer_http_error)
    own.include_router(create_router(live, supervisor))
    return own
