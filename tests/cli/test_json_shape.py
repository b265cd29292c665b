"""The shape of JSON documents, as the manual shows it."""

import pytest

from mixvllm.cli.json_shape import merged, shape_of, shape_text


@pytest.mark.parametrize(
    ("documents", "text"),
    [
        ([{"a": 1}], '{\n  "a": number\n}'),
        ([{"a": 1}, {"a": None}], '{\n  "a": number or null\n}'),
        ([{"a": True}, {"a": "x"}], '{\n  "a": text or true/false\n}'),
        ([{"a": {"b": 1}}, {"a": None}], '{\n  "a": {\n    "b": number\n  } or null\n}'),
        ([{"a": []}, {"a": ["x"]}], '{\n  "a": list of text\n}'),
        ([{"a": []}], '{\n  "a": list\n}'),
        ([[{"a": 1}, {"b": None}]], '[\n  {\n    "a": number\n    "b": null\n  }\n]'),
        ([[[1]]], "[\n  list of number\n]"),
    ],
)
def test_what_several_documents_have_is_put_together(documents: list[object], text: str) -> None:
    shape = merged(map(shape_of, documents))

    assert shape is not None
    assert shape_text(shape) == text


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        shape_of(object())
