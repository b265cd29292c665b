from __future__ import annotations

from itertools import pairwise

import pytest

from mixvllm.memory.gpu_table import find_gpu
from mixvllm.memory.request import EstimateRequest
from mixvllm.memory.rules import rules_of
from mixvllm.memory.upgrade import MEANINGS, RULES, Change, steps, version_changes
from mixvllm.models.find import find_model


def changes(name: str, oldest: str, newest: str, gpu: str = "H200") -> tuple[Change, ...]:
    found = find_model(name, may_ask_the_hub=False)
    request = EstimateRequest(gpu=find_gpu(gpu), rules=rules_of(oldest))
    return version_changes(found.description, found.weights, request, rules_of(newest))


@pytest.mark.parametrize("name", ["openai/gpt-oss-20b", "Qwen/Qwen2.5-7B"])
def test_the_changes_add_up_to_the_whole_difference(name: str) -> None:
    found = changes(name, "0.10", "0.33")

    assert all(left.after == right.before for left, right in pairwise(found))
    assert all(change.before != change.after for change in found)


def test_every_rule_that_moves_a_number_has_words() -> None:
    assert set(RULES) - set(MEANINGS) == {"default_utilization_percent", "sparse_layers"}


def test_the_steps_end_with_the_newer_release() -> None:
    *_, (last, since, _) = steps(rules_of("0.10"), rules_of("0.33"))

    assert last == rules_of("0.33")
    assert since == "0.33"


def test_the_patch_that_changed_the_printed_size_is_named() -> None:
    (change,) = changes("openai/gpt-oss-20b", "0.20.1", "0.20.2")

    assert change.since == "0.20.2"
    assert change.before.bytes_per_request == change.after.bytes_per_request


def test_a_release_that_is_not_modelled_is_taken_with_the_next() -> None:
    assert changes("Qwen/Qwen3.5-27B", "0.28", "0.33") == ()


def test_a_larger_batch_on_the_largest_gpus_is_told() -> None:
    (change,) = changes("openai/gpt-oss-20b", "0.27", "0.28", gpu="B200")

    assert "16384 tokens" in change.meaning
