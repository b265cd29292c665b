import sys
from functools import lru_cache
from types import ModuleType

import pytest

from mixvllm.vllm_internals.remembered import forget_models


@lru_cache
def squared(number: int) -> int:
    return number * number


@pytest.fixture(autouse=True)
def forgotten() -> None:
    squared.cache_clear()
    squared(7)


@pytest.mark.parametrize(
    ("name", "left"),
    [("vllm.tokenizers.more", 0), ("vllm.utils.func_utils", 0), ("vllm.platforms.cpu", 1)],
)
def test_what_is_cached_by_tokenizer_or_model_is_forgotten_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, name: str, left: int
) -> None:
    module = ModuleType(name)
    vars(module)["cached"] = squared
    monkeypatch.setitem(sys.modules, name, module)

    forget_models()

    assert squared.cache_info().currsize == left
