"""The chances in the lessons' examples, by hand and against the rules of vLLM."""

import math

import pytest

from mixvllm.lessons.sampling import SamplingRules, chances

LOGITS = (3.0, 2.0, 1.0, 0.0)


def shares(*powers: float) -> tuple[float, ...]:
    return tuple(power / sum(powers) for power in powers)


def test_without_rules_it_is_the_softmax() -> None:
    expected = shares(*(math.exp(logit) for logit in LOGITS))
    assert chances(LOGITS, SamplingRules()) == pytest.approx(expected)


def test_logits_are_divided_by_the_temperature() -> None:
    expected = shares(*(math.exp(logit / 0.5) for logit in LOGITS))
    assert chances(LOGITS, SamplingRules(temperature=0.5)) == pytest.approx(expected)


def test_temperature_0_takes_the_likeliest_whatever_else_is_asked() -> None:
    rules = SamplingRules(temperature=0, top_p=0.1, top_k=3)
    assert chances(LOGITS, rules) == (1, 0, 0, 0)


def test_a_temperature_of_almost_0_is_one_hundredth() -> None:
    close = (1.0, 0.99)
    coldest = chances(close, SamplingRules(temperature=0.01))
    assert chances(close, SamplingRules(temperature=1e-6)) == coldest
    assert coldest == pytest.approx(shares(math.e, 1))


def test_penalties_hold_at_temperature_0_too() -> None:
    rules = SamplingRules(temperature=0, presence_penalty=1.5)
    assert chances(LOGITS, rules, (1, 0, 0, 0)) == (0, 1, 0, 0)


@pytest.mark.parametrize("top_k", [0, -1, 4])
def test_top_k_may_keep_all(top_k: int) -> None:
    assert chances(LOGITS, SamplingRules(top_k=top_k)) == chances(LOGITS, SamplingRules())


def test_top_k_keeps_what_ties_with_the_last() -> None:
    assert chances((2, 1, 1, 0), SamplingRules(top_k=2)) == pytest.approx(
        shares(math.e**2, math.e, math.e, 0)
    )


def test_top_p_keeps_the_token_that_crosses_it() -> None:
    # 0.644 + 0.237 is below 0.9, with 0.087 it is above.
    assert [c > 0 for c in chances(LOGITS, SamplingRules(top_p=0.9))] == [True] * 3 + [False]


def test_top_p_keeps_one_token_at_least() -> None:
    assert chances(LOGITS, SamplingRules(top_p=0.001)) == (1, 0, 0, 0)


def test_the_temperature_decides_what_top_p_keeps() -> None:
    kept = [
        sum(c > 0 for c in chances(LOGITS, SamplingRules(temperature=t, top_p=0.9)))
        for t in (0.5, 1.0, 2.0)
    ]
    assert kept == [2, 3, 4]


def test_presence_counts_once_and_frequency_each_time() -> None:
    presence = chances(LOGITS, SamplingRules(presence_penalty=0.5), (4, 1, 0, 0))
    frequency = chances(LOGITS, SamplingRules(frequency_penalty=0.5), (4, 1, 0, 0))
    assert presence == pytest.approx(shares(*map(math.exp, (2.5, 1.5, 1, 0))))
    assert frequency == pytest.approx(shares(*map(math.exp, (1, 1.5, 1, 0))))
