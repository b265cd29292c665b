"""What the site makes of a page, and where it gets Mermaid."""

from pathlib import Path

import pytest

from website.markdown import OUTSIDE, without_comments
from website.mermaid import is_right


def test_comments_are_for_whoever_tests_the_page() -> None:
    page = (
        "takes <!-- computed: x -->4 GiB<!-- end -->.\n\n```html\n<!-- kept -->\n```\n<!-- a\nb -->"
    )

    assert without_comments(page) == "takes 4 GiB.\n\n```html\n<!-- kept -->\n```\n"


@pytest.mark.parametrize(
    ("link", "path", "anchor"),
    [
        ("[a](../deploy/nginx.conf)", "deploy/nginx.conf", None),
        ("[a](../../configs/)", "configs", None),
        ("[a](../CHANGELOG.md#unreleased)", "CHANGELOG.md", "#unreleased"),
        ("![a](../pictures/a.svg)", "pictures/a.svg", None),
    ],
)
def test_a_link_out_of_a_folder_is_seen(link: str, path: str, anchor: str | None) -> None:
    match = OUTSIDE.search(link)

    assert match is not None
    assert (match["path"], match["anchor"]) == (path, anchor)


@pytest.mark.parametrize("link", ["[a](server.md)", "[a](#b)", "[a](https://docs.vllm.ai/../b)"])
def test_a_link_inside_is_left_to_mkdocs(link: str) -> None:
    assert OUTSIDE.search(link) is None


def test_a_script_that_is_not_mermaids_is_not_taken(tmp_path: Path) -> None:
    script = tmp_path / "mermaid.min.js"
    assert not is_right(script)

    script.write_text("alert(1)", encoding="utf-8")
    assert not is_right(script)
