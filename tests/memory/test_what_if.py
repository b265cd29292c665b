from __future__ import annotations

import pytest

from mixvllm.memory.what_if import weights_as_asked
from mixvllm.models.sources.catalogue import look_up
from mixvllm.models.weights.groups import WeightFacts


def bytes_of(name: str, dtype: str = "bfloat16", quantization: str | None = None) -> int | None:
    entry = look_up(name)
    assert entry is not None
    asked = weights_as_asked(
        entry.weights, entry.description, dtype=dtype, quantization=quantization
    )
    return None if asked is None else asked.total_bytes


LLAMA, AWQ = "meta-llama/Llama-2-13b-chat-hf", "TheBloke/Llama-2-13B-chat-AWQ"


def test_float32_doubles_the_weights_and_float16_does_not() -> None:
    assert bytes_of(LLAMA, "float32") == 2 * (bytes_of(LLAMA) or 0)
    assert bytes_of(LLAMA, "float16") == bytes_of(LLAMA)


def test_files_in_float32_are_loaded_in_half() -> None:
    entry = look_up(LLAMA)
    assert entry is not None
    facts = WeightFacts(4000, "index", {}, parameters=1000)
    loaded = weights_as_asked(facts, entry.description, dtype="bfloat16", quantization=None)
    assert loaded is not None
    assert loaded.total_bytes == 2000


def test_a_method_that_is_asked_for_gives_the_size_of_its_checkpoints() -> None:
    assert bytes_of(LLAMA, quantization="awq") == pytest.approx(bytes_of(AWQ), rel=0.005)


def test_another_kernel_for_the_same_format_changes_nothing() -> None:
    assert bytes_of(AWQ, "float16", "awq_marlin") == bytes_of(AWQ)


@pytest.mark.parametrize(("name", "method"), [(AWQ, "fp8"), (LLAMA, "torchao")])
def test_what_is_not_known_is_left_out(name: str, method: str) -> None:
    assert bytes_of(name, quantization=method) is None
