"""Findings as problems at the places where the values stood."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mixvllm.errors import Problem
from mixvllm.settings.merge import ResolvedValue
from mixvllm.settings.origin import Given, Layer
from mixvllm.settings.problems import problem_at
from mixvllm.sizing.finding import Finding

if TYPE_CHECKING:
    from mixvllm.memory.answer import Suggestion


def placed(
    finding: Finding, values: Sequence[ResolvedValue], profile: str | None = None
) -> Problem:
    """A finding at the first of its keys that somebody gave.

    Args:
        finding: The finding.
        values: The effective values, with their origins; one of them names the model.
        profile: The profile that was looked at; it is named where the value stands elsewhere.
    """
    given = _given(finding, values)
    in_file = given.origin.layer is Layer.YAML
    message = finding.message
    if profile is not None and given.origin.profile != profile:
        message = f"under the profile {profile}: {message}"
    return problem_at(
        given,
        message,
        suggestion=_suggestion(finding, as_settings=in_file),
        severity=finding.severity,
        code=finding.code,
    )


def _given(finding: Finding, values: Sequence[ResolvedValue]) -> Given:
    by_key = {value.key: value for value in values}
    candidates = [by_key[key] for key in (*finding.keys, "model.name") if key in by_key]
    given = [value for value in candidates if value.origin.layer is not Layer.DEFAULT]
    return (given or candidates)[0].given


def _suggestion(finding: Finding, *, as_settings: bool) -> str | None:
    ways = [
        f"{_as_setting(way.change) if as_settings else way.change} ({_gain(way)})"
        for way in finding.ways_out
    ]
    parts = [*([finding.advice] if finding.advice else [])]
    if ways:
        parts.append(f"ways out: {', or '.join(ways)}")
    return "; ".join(parts) or None


def _gain(way: Suggestion) -> str:
    return f"{way.tokens:,} tokens, {way.max_concurrency:.2f} requests at once"


def _as_setting(change: str) -> str:
    """`--kv-cache-dtype fp8` as `kv_cache_dtype: fp8`; several with commas."""
    return ", ".join(map(_one_setting, change.removeprefix("--").split(" --")))


def _one_setting(change: str) -> str:
    name, _, value = change.partition(" ")
    return f"{name.replace('-', '_')}: {value or 'true'}"
