"""What a server says of itself at `/status`."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

import mixvllm
from mixvllm.error_codes import ErrorCode
from mixvllm.server.lifecycle import Phase
from mixvllm.server.state import ServerState
from mixvllm.settings.schema import ServeConfig
from mixvllm.vllm_internals.command_line import SECRET_ARGUMENTS
from mixvllm.vllm_internals.installed import installed_engine

MASK = "**********"


class PhaseProgressBody(BaseModel):
    """How far the current phase is."""

    detail: str
    fraction: float | None = Field(description="The share that is done, if it is known.")


class KvCacheBody(BaseModel):
    """The size of the KV cache in tokens."""

    predicted_tokens: int | None = Field(
        description="What mixvllm expects, by its own estimate; null where it cannot tell."
    )
    actual_tokens: int | None = Field(description="What vLLM reports when it is ready.")


class VersionsBody(BaseModel):
    """What is running."""

    mixvllm: str
    vllm: str | None


class ServerStatus(BaseModel):
    """The state of the server."""

    phase: Phase
    elapsed_s: float = Field(description="Seconds since the server began.")
    progress: PhaseProgressBody | None
    model: str | None
    restarts: int
    error: str | None
    code: ErrorCode | None = Field(
        description="The stable name of the error, or of what the engine died of that is being "
        "replaced: `mixvllm explain CODE` tells the cure."
    )
    kv_cache: KvCacheBody
    versions: VersionsBody
    engine_pids: list[int]
    worker_pids: list[int] = Field(description="The API workers, where there are several.")
    settings: dict[str, Any] = Field(description="The effective settings, secrets masked.")


def describe(supervisor: ServerState, settings: ServeConfig) -> ServerStatus:
    """The state of the server now."""
    lifecycle, engine, installed = supervisor.lifecycle, supervisor.engine, installed_engine()
    progress = lifecycle.progress
    return ServerStatus(
        phase=lifecycle.phase,
        elapsed_s=round(lifecycle.elapsed_s, 3),
        progress=progress and PhaseProgressBody(detail=progress.detail, fraction=progress.fraction),
        model=settings.served_name,
        restarts=supervisor.restarts,
        error=lifecycle.error,
        code=lifecycle.code,
        kv_cache=KvCacheBody(
            predicted_tokens=supervisor.prediction.tokens,
            actual_tokens=engine.facts.kv_cache_tokens if engine else None,
        ),
        versions=VersionsBody(
            mixvllm=mixvllm.__version__, vllm=installed.version if installed else None
        ),
        engine_pids=list(supervisor.engine_pids),
        worker_pids=list(supervisor.worker_pids),
        settings=masked_settings(settings),
    )


def masked_settings(settings: ServeConfig) -> dict[str, Any]:
    """The settings as plain data, secrets masked."""
    plain = settings.model_dump(mode="json")
    plain["vllm"] = {
        name: MASK if name.replace("-", "_") in SECRET_ARGUMENTS else value
        for name, value in plain["vllm"].items()
    }
    return plain
