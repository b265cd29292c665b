"""docs/python-api.md: every example is run."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs/python-api.md").read_text(encoding="utf-8")


def test_the_examples_of_the_page_say_what_they_print(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```pycon\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    examples = doctest.DocTestParser().get_doctest("".join(blocks), {}, "python-api.md", None, 0)
    runner = doctest.DocTestRunner(verbose=False)

    runner.run(examples)

    assert len(examples.examples) > 20
    assert runner.summarize(verbose=False).failed == 0


@pytest.mark.engine
def test_the_server_of_the_page_answers_and_ends(capsys: pytest.CaptureFixture[str]) -> None:
    [block] = re.findall(r"<!-- starts a server -->\n```python\n(.*?)^```$", PAGE, re.S | re.M)
    names: dict[str, object] = {}

    exec(block, names)

    said = capsys.readouterr().out
    assert said.startswith("http://127.0.0.1:8123 ready\n")
    assert "Paris" in said
    server = names["server"]
    assert server.process.returncode == 0  # type: ignore[attr-defined]
    assert server.status() is None  # type: ignore[attr-defined]
