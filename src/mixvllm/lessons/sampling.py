"""The chances of the next token by vLLM's rules, for the examples in the lessons.

The order is that of vLLM 0.32 (`v1/worker/gpu/sample/sampler.py`, and `v1/sample/sampler.py` where
that does not run): penalties, temperature, top-k, top-p.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# `_MAX_TEMP` of vLLM's `sampling_params.py`: what is colder, but not 0, is taken for this.
COLDEST = 0.01


@dataclass(frozen=True)
class SamplingRules:
    """What a request may ask for.

    Attributes:
        temperature: The logits are divided by it; 0 takes the likeliest token.
        top_k: How many of the likeliest tokens stay; 0 or -1 keeps all.
        top_p: What the tokens that stay have together at least.
        presence_penalty: Taken from the logit of what the answer has already.
        frequency_penalty: The same for each time that the answer has it.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0


def chances(
    logits: Sequence[float], rules: SamplingRules, written: Sequence[int] = ()
) -> tuple[float, ...]:
    """The chance of each token.

    Args:
        logits: What the model gives each token.
        rules: How it is sampled.
        written: How often the answer has each token; nothing is none of them.
    """
    counts = written or [0] * len(logits)
    scores = [
        logit - rules.frequency_penalty * count - rules.presence_penalty * (count > 0)
        for logit, count in zip(logits, counts, strict=True)
    ]
    if rules.temperature == 0:
        best = scores.index(max(scores))
        return tuple(float(index == best) for index in range(len(scores)))
    temperature = max(rules.temperature, COLDEST)
    scores = [score / temperature for score in scores]
    return _softmax(_within_top_p(_within_top_k(scores, rules.top_k), rules.top_p))


def _within_top_k(scores: Sequence[float], top_k: int) -> list[float]:
    """What is as good as the k-th best stays, ties too."""
    worst = sorted(scores, reverse=True)[:top_k][-1] if top_k > 0 else -math.inf
    return [score if score >= worst else -math.inf for score in scores]


def _within_top_p(scores: Sequence[float], top_p: float) -> list[float]:
    """From the unlikeliest on, tokens go while those gone have at most 1 - p; one always stays."""
    shares = _softmax(scores)
    kept = list(scores)
    gone = 0.0
    for index in sorted(range(len(scores)), key=shares.__getitem__)[:-1]:
        gone += shares[index]
        if gone > 1 - top_p:
            break
        kept[index] = -math.inf
    return kept


def _softmax(scores: Sequence[float]) -> tuple[float, ...]:
    highest = max(scores)
    powers = [math.exp(score - highest) for score in scores]
    return tuple(power / sum(powers) for power in powers)
