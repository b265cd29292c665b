"""The KV cache that is expected of an engine; what cannot be predicted never hinders serving."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mixvllm.errors import MixvllmError
from mixvllm.vllm_internals.installed import InstalledEngine

if TYPE_CHECKING:
    from mixvllm.settings.schema import ServeConfig

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prediction:
    """What the engine is expected to report.

    Attributes:
        tokens: The size of its KV cache; None where it cannot be told.
        reason: Why it cannot be told.
    """

    tokens: int | None = None
    reason: str | None = None


def predict(settings: ServeConfig, engine: InstalledEngine) -> Prediction:
    """Predict the KV cache of a server with these settings; blocks for a fraction of a second."""
    try:
        prediction = _predicted(settings, engine)
    except MixvllmError as error:
        prediction = Prediction(reason=error.message)
    except Exception as error:  # a mistake of ours in a number must not keep a model from serving
        LOG.debug("The KV cache could not be predicted.", exc_info=error)
        prediction = Prediction(reason=f"{type(error).__name__}: {error}")
    if prediction.reason:
        LOG.debug("No prediction of the KV cache: %s", prediction.reason)
    return prediction


def _predicted(settings: ServeConfig, engine: InstalledEngine) -> Prediction:
    # What estimates takes as long to import as to answer, and only here is it needed.
    from mixvllm.sizing.serving import served_estimate, served_gpu

    gpu = served_gpu(settings, engine)
    capacity = served_estimate(settings, engine, gpu=gpu).capacity
    if capacity is None:
        return Prediction(reason="the GPU is not known")
    if not capacity.fits:
        return Prediction(reason="by the estimate it does not fit")
    return Prediction(capacity.tokens)
