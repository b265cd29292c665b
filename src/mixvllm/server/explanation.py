"""Why an engine failed, in plain words and with what to do about it."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from mixvllm.error_codes import ErrorCode
from mixvllm.settings.schema import ServeConfig
from mixvllm.vllm_internals.failure_cause import Cause
from mixvllm.vllm_internals.installed import installed_engine
from mixvllm.vllm_internals.late_errors import LateError

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Explanation:
    """What is said of a failure.

    Attributes:
        message: What went wrong.
        hint: What helps; None where that is not known.
        code: Its stable name, where it is recognised.
    """

    message: str
    hint: str | None = None
    code: ErrorCode | None = None


def explained(cause: Cause | None, settings: ServeConfig) -> Explanation | None:
    """A cause in our words where it is recognised, else in vLLM's; blocks for a moment."""
    if cause is None:
        return None
    if cause.known is None:
        return Explanation(cause.text)
    ways = _ways(cause.known, settings)
    hint = f"Ways out: {'; '.join(ways)}." if ways else None
    return Explanation(f"{cause.known.message}.", hint, cause.known.code)


def _ways(error: LateError, settings: ServeConfig) -> tuple[str, ...]:
    engine = installed_engine()
    if engine is None:
        return error.advice
    # What estimates memory takes as long to import as to answer, and a good start needs none.
    from mixvllm.sizing.late_ways import ways_after

    try:
        return ways_after(error, settings, engine)
    except Exception as unexpected:  # a mistake of ours in the advice must not hide the cause
        LOG.debug("No ways out could be computed.", exc_info=unexpected)
        return error.advice
