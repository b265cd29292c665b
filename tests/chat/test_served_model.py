"""Which model is talked to."""

from __future__ import annotations

import pytest

from mixvllm.chat.served_model import ServedModel, choose_model
from mixvllm.errors import ModelChoiceError

BASE = ServedModel("base", 10, root="org/base")
ALIAS = ServedModel("alias", 10, root="org/base")
ADAPTER = ServedModel("adapter", 10, root="adapters/x", parent="base")


def test_the_only_model_is_taken() -> None:
    assert choose_model([BASE]) == BASE


def test_several_names_of_one_model_are_one() -> None:
    assert choose_model([BASE, ALIAS]) == BASE


def test_the_one_asked_for_is_taken() -> None:
    assert choose_model([BASE, ADAPTER], "adapter") == ADAPTER


@pytest.mark.parametrize("others", [ADAPTER, ServedModel("other")])
def test_of_several_none_is_guessed(others: ServedModel) -> None:
    with pytest.raises(ModelChoiceError) as caught:
        choose_model([BASE, others])

    assert caught.value.message == f"The server has 2 models: base, {others.name}."
    assert caught.value.names == ("base", others.name)


def test_one_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(ModelChoiceError) as caught:
        choose_model([BASE, ADAPTER], "adapetr")

    assert caught.value.message == "The server has no model adapetr; it has base, adapter."
    assert caught.value.hint == "Did you mean adapter?"


def test_a_server_without_models_is_told() -> None:
    with pytest.raises(ModelChoiceError, match="lists no model"):
        choose_model([])
