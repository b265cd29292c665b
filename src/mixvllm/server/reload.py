"""Takes settings that were read anew into a running server, as far as it can."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mixvllm.errors import Problem
from mixvllm.server.live_settings import LiveSettings

if TYPE_CHECKING:
    from mixvllm.settings.schema import ServeConfig

GENERATION = "generation_defaults"
LIVE_SERVER_FIELDS = (
    "api_key",
    "max_body_mib",
    "max_concurrent_requests",
    "max_queued_requests",
    "client_timeout_s",
    "sse_keep_alive_s",
    "shutdown_grace_s",
)
# The one default that vLLM is not told of at its start.
OURS_ALONE = "max_tokens"


@dataclass(frozen=True)
class SettingsReloaded:
    """The settings were read anew.

    Attributes:
        applied: Keys that changed and are in force now.
        needs_restart: Keys that changed and are not in force before a restart.
    """

    applied: tuple[str, ...]
    needs_restart: tuple[str, ...]


@dataclass(frozen=True)
class ReloadRefused:
    """The settings are as they were: what was read is wrong."""

    message: str
    hint: str | None
    problems: tuple[Problem, ...]


def take_over(live: LiveSettings, fresh: ServeConfig) -> SettingsReloaded:
    """Put in force what can be changed in a running server; the rest stays as it is."""
    changed = dict(_changes(live.current, fresh))
    applied = {key: value for key, value in changed.items() if _is_live(key, value, live.at_start)}
    sections: dict[str, dict[str, Any]] = {}
    for key, value in applied.items():
        section, _, name = key.partition(".")
        sections.setdefault(section, {})[name] = value
    live.current = live.current.model_copy(
        update={
            section: getattr(live.current, section).model_copy(update=values)
            for section, values in sections.items()
        }
    )
    return SettingsReloaded(tuple(applied), tuple(key for key in changed if key not in applied))


def _changes(before: ServeConfig, after: ServeConfig) -> Iterator[tuple[str, Any]]:
    """Each key whose value is another one, with its new value."""
    for section in type(before).model_fields:
        old, new = getattr(before, section), getattr(after, section)
        names = [*dict(old), *(name for name in dict(new) if name not in dict(old))]
        for name in names:
            value = dict(new).get(name)
            if dict(old).get(name) != value:
                yield f"{section}.{name}", value


def _is_live(key: str, value: Any, at_start: ServeConfig) -> bool:
    section, _, name = key.partition(".")
    if section == GENERATION:
        # vLLM was given the others at its start, and keeps to them where a request is silent.
        is_kept = getattr(at_start.generation_defaults, name) is not None and name != OURS_ALONE
        return value is not None or not is_kept
    return section == "server" and name in LIVE_SERVER_FIELDS
